import ArgumentParser
import NIfTI

/// `agent inspect FILE…`: what the gate and the reader say of files, one JSON object a line.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say of each NIfTI file whether it can be read, and why not.",
        discussion: """
            Prints a JSON object a line: file, verdict (accept or reject), reason, warnings, dims, spacing (mm), \
            orientation (where the voxel axes point: RAS is right, front, up) and datatype. Every voxel is read. \
            Exit code 1 when a file is rejected.
            """)

    @Argument(help: "Files ending in .nii or .nii.gz.", completion: .file(extensions: ["nii", "gz"]))
    var files: [String]

    func run() throws {
        var isRejected = false
        for file in files {
            let inspection = Inspection(file: file)
            print(inspection.line)
            isRejected = isRejected || inspection.reason != nil
        }
        if isRejected { throw ExitCode(1) }
    }
}

/// What was found out about one file.
private struct Inspection {
    var file: String
    /// Why it is rejected, or nil.
    var reason: String?
    /// Nil when it is rejected.
    var header: NIfTIHeader?

    init(file: String) {
        self.file = file
        do {
            header = try NIfTIFile.open(file).surveyed()
        } catch let error as NIfTIError {
            reason = error.message
        } catch {
            reason = "\(error)"
        }
    }

    var line: String {
        let fields: [(String, String)] = [
            ("file", quoted(file)),
            ("verdict", quoted(reason == nil ? "accept" : "reject")),
            ("reason", reason.map(quoted) ?? "null"),
            ("warnings", list((header?.warnings ?? []).map(quoted))),
            ("dims", header.map { list($0.dims.map(String.init)) } ?? "null"),
            ("spacing", header.map { list($0.spacing.map { "\(($0 * 1e6).rounded() / 1e6)" }) } ?? "null"),
            ("orientation", header.map { quoted($0.affine.orientation) } ?? "null"),
            ("datatype", header.map { quoted($0.datatype.name) } ?? "null"),
        ]
        return "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }

    private func list(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

    /// A JSON string (RFC 8259): quotes, backslashes and control characters escaped.
    private func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
