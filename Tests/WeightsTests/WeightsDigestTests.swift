import Cryptography
import Testing
import Weights

@Suite struct WeightsDigestTests {
    private func write(_ path: String, _ order: [String], metadata: [String: String], change: Float = 0) throws
        -> String
    {
        let values: [String: [Float]] = ["a": [1, 2, 3], "b": [4 + change]]
        let shapes = ["a": [3], "b": [1, 1]]
        var writer = try SafetensorsWriter(
            path, entries: order.map { .init($0, .float32, shapes[$0] ?? []) }, metadata: metadata)
        for name in order { try writer.append(values[name] ?? []) }
        _ = try writer.finish()
        return try WeightsDigest.hex(of: SafetensorsFile(path))
    }

    @Test("a digest of tensors depends on them alone, not on metadata or order")
    func independence() throws {
        try withTemporaryFolder { folder in
            let plain = try write(folder + "/1", ["a", "b"], metadata: [:])
            #expect(try write(folder + "/2", ["b", "a"], metadata: ["licence_ref": "x"]) == plain)
            #expect(try write(folder + "/3", ["a", "b"], metadata: [:], change: 1) != plain)
            #expect(try write(folder + "/4", ["a"], metadata: [:]) != plain)
            var bytes = Array("a\0F32\03\0".utf8)
            bytes += [Float(1), 2, 3].withUnsafeBytes { Array($0) }
            bytes += Array("b\0F32\01,1\0".utf8)
            bytes += [Float(4)].withUnsafeBytes { Array($0) }
            #expect(plain == bytes.withUnsafeBytes { SHA256.hex(of: $0) })
        }
    }
}
