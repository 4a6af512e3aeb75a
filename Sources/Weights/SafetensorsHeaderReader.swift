/// Reads the JSON of a safetensors header in one pass, building nothing but the tensors and the metadata.
///
/// A general JSON reader would hide duplicate keys and build a tree of whatever a hostile header holds.
struct SafetensorsHeaderReader {
    private var json: JSONScanner
    private var names: Set<String> = []
    private var tensors: [Tensor] = []
    private var metadata: [String: String] = [:]
    private var sawMetadata = false
    private var metadataBytes = 0
    private var end = 0

    /// - Parameter bytes: the JSON text, which must outlive the reader.
    init(_ bytes: UnsafeRawBufferPointer) {
        json = JSONScanner(bytes)
    }

    mutating func read() throws(WeightsError) -> (metadata: [String: String], tensors: [Tensor]) {
        guard json.peek() == UInt8(ascii: "{") else {
            throw WeightsError(.malformed, "its header does not begin with a brace")
        }
        var more = try json.beginObject()
        while more {
            let name = try json.readName(limit: SafetensorsHeader.Limit.nameBytes)
            try json.expect(UInt8(ascii: ":"))
            if name == "__metadata__" {
                guard !sawMetadata else { throw json.malformed("the key __metadata__ appears twice") }
                sawMetadata = true
                try readMetadata()
            } else {
                try readTensor(name)
            }
            more = try json.nextMember()
        }
        try json.expectEnd()
        return (metadata, tensors)
    }

    private mutating func readMetadata() throws(WeightsError) {
        var more = try json.beginObject()
        while more {
            let key = try json.readName(limit: SafetensorsHeader.Limit.nameBytes)
            try json.expect(UInt8(ascii: ":"))
            let value = try json.readString(limit: SafetensorsHeader.Limit.metadataBytes)
            metadataBytes += key.utf8.count + value.utf8.count
            guard metadataBytes <= SafetensorsHeader.Limit.metadataTotalBytes else {
                throw WeightsError(.limitExceeded, "its header has more than 1 MiB of metadata")
            }
            guard metadata.updateValue(value, forKey: key) == nil else {
                throw json.malformed("the metadata key “\(key)” appears twice")
            }
            more = try json.nextMember()
        }
    }

    private mutating func readTensor(_ name: String) throws(WeightsError) {
        guard tensors.count < SafetensorsHeader.Limit.tensors else {
            throw WeightsError(.limitExceeded, "its header has more than 10,000 tensors")
        }
        guard names.insert(name).inserted else { throw json.malformed("the tensor “\(name)” appears twice") }
        var type: TensorType?
        var shape: [Int]?
        var offsets: [Int]?
        var more = try json.beginObject()
        while more {
            let key = try json.readName(limit: 16)
            try json.expect(UInt8(ascii: ":"))
            switch key {
            case "dtype" where type == nil:
                let text = try json.readName(limit: 16)
                guard let known = TensorType(rawValue: text) else {
                    throw json.malformed("the tensor “\(name)” has the unknown type “\(text)”")
                }
                type = known
            case "shape" where shape == nil:
                shape = try json.readIntegers(limit: SafetensorsHeader.Limit.rank)
            case "data_offsets" where offsets == nil:
                offsets = try json.readIntegers(limit: 2)
            case "dtype", "shape", "data_offsets":
                throw json.malformed("the tensor “\(name)” has the key “\(key)” twice")
            default:
                throw json.malformed("the tensor “\(name)” has the unknown key “\(key)”")
            }
            more = try json.nextMember()
        }
        guard let type, let shape, let offsets, offsets.count == 2 else {
            throw json.malformed("the tensor “\(name)” lacks a type, a shape or two offsets")
        }
        guard let extent = type.extent(of: shape) else {
            throw json.malformed("the shape of the tensor “\(name)” is too large")
        }
        guard offsets[0] == end else {
            throw json.malformed("the tensor “\(name)” leaves a hole, overlaps or is out of order")
        }
        guard offsets[1] >= offsets[0], offsets[1] - offsets[0] == extent.bytes else {
            throw json.malformed("the offsets of the tensor “\(name)” do not match its type and shape")
        }
        end = offsets[1]
        tensors.append(
            Tensor(name: name, type: type, shape: shape, range: offsets[0]..<offsets[1], elements: extent.elements))
    }
}
