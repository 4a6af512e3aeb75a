import Foundation

let arguments = Array(CommandLine.arguments.dropFirst())
do {
    try Bench.run(arguments)
} catch {
    FileHandle.standardError.write(Data("bench: \(error)\n".utf8))
    exit(1)
}
