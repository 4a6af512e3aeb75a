extension SafetensorsWriter {
    /// The bytes before the data section, and where each tensor lies.
    ///
    /// The header is parsed back before it is used, so whatever is written can be read.
    static func encode(
        _ path: String, _ entries: [Entry], _ metadata: [String: String]
    ) throws(WeightsError) -> (bytes: [UInt8], tensors: [Tensor]) {
        var members: [String] = []
        if !metadata.isEmpty {
            let texts = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
            members.append("\"__metadata__\":{\(texts.joined(separator: ","))}")
        }
        var end = 0
        for entry in entries {
            guard let extent = entry.type.extent(of: entry.shape), extent.bytes <= Int.max / 2 - end else {
                throw WeightsError(.limitExceeded, "\(path): the tensor \(entry.name) is too large to write")
            }
            let sizes = entry.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(quoted(entry.name)):{\"dtype\":\"\(entry.type.rawValue)\",\"shape\":[\(sizes)],"
                    + "\"data_offsets\":[\(end),\(end + extent.bytes)]}")
            end += extent.bytes
        }
        var text = Array("{\(members.joined(separator: ","))}".utf8)
        // Spaces up to a multiple of 64, so that mapped tensors can be used by vector instructions in place.
        text.append(contentsOf: repeatElement(0x20, count: (64 - (8 + text.count) % 64) % 64))
        let length = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) }
        let bytes = length + text
        do throws(WeightsError) {
            return (bytes, try SafetensorsHeader.parse(bytes, fileSize: bytes.count + end).tensors)
        } catch {
            throw error.about("\(path) cannot be written")
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                if scalar.value < 0x20 {
                    let digits = String(scalar.value, radix: 16)
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                } else {
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}
