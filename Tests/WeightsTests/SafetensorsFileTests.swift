import Cryptography
import Foundation
import Testing
import Weights

@Suite struct SafetensorsFileTests {
    @Test(
        "files written by the safetensors library open, and mapped and copied values agree",
        arguments: ["pretrain_micro_f32.safetensors", "classifier_micro_f32.safetensors", "preproc.safetensors"])
    func golden(name: String) throws {
        let file = try SafetensorsFile(Golden.path(name))
        #expect(file.tensors.count > 3)
        for tensor in file.tensors where tensor.type == .float32 {
            let floats = try file.floats(tensor.name)
            try file.withMapped(tensor.name) { bytes in
                #expect(bytes.count == 4 * floats.count)
                #expect(floats.withUnsafeBytes { $0.elementsEqual(bytes) })
            }
        }
    }

    @Test("a file written from another's tensors reads the same, and its digest is that of its bytes")
    func roundTrip() throws {
        try withTemporaryFolder { (folder) throws in
            let source = try SafetensorsFile(Golden.path("ckpt_expected.safetensors"))
            let path = folder + "/copy.safetensors"
            let metadata = ["licence_ref": "letter of 3 May, \"signed\"\n\\ \u{1}é", "empty": ""]
            var writer = try SafetensorsWriter(
                path, entries: source.tensors.map { .init($0.name, $0.type, $0.shape) }, metadata: metadata)
            for tensor in source.tensors { try writer.append(try source.floats(tensor.name)) }
            let digest = try writer.finish()

            let copy = try SafetensorsFile(path)
            #expect(copy.metadata == metadata)
            #expect(copy.header.dataStart % 64 == 0)
            #expect(copy.tensors.map(\.name) == source.tensors.map(\.name))
            for tensor in source.tensors {
                #expect(try copy.floats(tensor.name) == source.floats(tensor.name))
            }
            let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(bytes.withUnsafeBytes { SHA256.hex(of: $0) } == digest)
            #expect(try contents(of: folder) == ["copy.safetensors"])
        }
    }

    @Test("a part of a tensor is read from an element on, in every floating-point type")
    func parts() throws {
        try withTemporaryFolder { (folder) throws in
            let path = folder + "/types.safetensors"
            let types: [TensorType] = [.float32, .bfloat16, .float16, .float64]
            // Whole numbers up to 256 are exact in all four types.
            let values = (0..<600_000).map { Float($0 % 257) }
            var writer = try SafetensorsWriter(path, entries: types.map { .init($0.rawValue, $0, [600_000]) })
            for _ in types { try writer.append(values) }
            _ = try writer.finish()
            let file = try SafetensorsFile(path)
            for type in types {
                #expect(try file.floats(type.rawValue) == values)
                var part = [Float](repeating: -1, count: 1_000)
                try part.withUnsafeMutableBufferPointer { try file.read(type.rawValue, into: $0, offset: 599_000) }
                #expect(part == Array(values[599_000...]))
            }
            try file.requireFinite()
        }
    }

    @Test("a value that is not finite is refused by the tensor's name", arguments: [Float.infinity, -.infinity, .nan])
    func notFinite(value: Float) throws {
        try withTemporaryFolder { (folder) throws in
            let path = folder + "/bad.safetensors"
            var writer = try SafetensorsWriter(
                path, entries: [.init("good", .float32, [2]), .init("bad", .bfloat16, [3])])
            try writer.append([1, 2])
            try writer.append([1, value, 2])
            _ = try writer.finish()
            let file = try SafetensorsFile(path)
            #expect(try file.floats("good") == [1, 2])
            let error = #expect(throws: WeightsError.self) { try file.requireFinite() }
            #expect(error?.code == .notFinite)
            #expect(error?.message.contains("bad.safetensors: the tensor bad") == true)
        }
    }

    @Test("a missing tensor, a wrong path and a folder are each named")
    func missing() throws {
        let file = try SafetensorsFile(Golden.path("ckpt_expected.safetensors"))
        #expect(throws: WeightsError.self) { try file.floats("no.such.tensor") }
        let absent = #expect(throws: WeightsError.self) { try SafetensorsFile("/nonexistent/w.safetensors") }
        #expect(absent?.code == .cannotOpen)
        let folder = #expect(throws: WeightsError.self) { try SafetensorsFile("/tmp") }
        #expect(folder?.message == "/tmp is not a file; give the path of a weight file")
    }
}
