/// What is wrong with `agent.yaml`, with the line.
package struct ConfigurationError: Error, CustomStringConvertible, Sendable {
    package let description: String

    init(_ file: String, line: Int?, _ sentence: String) {
        description = "\(file)\(line.map { ", line \($0)" } ?? ""): \(sentence)"
    }
}
