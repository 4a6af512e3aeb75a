import Cryptography
import Federation
import Foundation
import Testing
import Weights

/// Updates whose bytes are wrong, each refused by its own reason before its last byte is there.
@Suite struct UpdateMalformedTests {
    /// Writes a file of the given tensors and feeds it.
    private func problem(
        _ folder: UpdateFolder, _ entries: [SafetensorsWriter.Entry], metadata: [String: String] = [:],
        change: (inout [UInt8]) -> Void = { _ in }
    ) throws -> Problem? {
        var writer = try SafetensorsWriter(folder.file("bad"), entries: entries, metadata: metadata)
        for entry in entries {
            let count = entry.shape.reduce(1, *)
            try [UInt8](repeating: 0, count: count * entry.type.size).withUnsafeBytes { try writer.append($0) }
        }
        _ = try writer.finish()
        var bytes = try folder.bytes("bad")
        change(&bytes)
        return try problem(folder, bytes)
    }

    private func problem(_ folder: UpdateFolder, _ bytes: [UInt8]) throws -> Problem? {
        let digest = bytes.withUnsafeBytes { SHA256.hex(of: $0) }
        do throws(Problem) {
            let layout: UpdateLayout
            do { layout = try folder.layout } catch { return Problem(.internalError, "\(error)") }
            var verifier = try UpdateVerifier(layout: layout, encoding: .f32, bytes: bytes.count)
            for start in stride(from: 0, to: bytes.count, by: 1000) {
                try verifier.add(Array(bytes[start..<min(bytes.count, start + 1000)]))
            }
            _ = try verifier.finish(digest: digest)
            return nil
        } catch {
            return error
        }
    }

    private func entries(_ folder: UpdateFolder) throws -> [SafetensorsWriter.Entry] {
        try folder.layout.entries.map { .init($0.name, .float32, $0.shape) }
    }

    @Test("an update of zeros in the right form passes")
    func right() throws {
        let folder = try UpdateFolder()
        #expect(try problem(folder, entries(folder)) == nil)
        #expect(try problem(folder, entries(folder), metadata: ["format": "pt"]) == nil)
    }

    @Test("missing, extra, renamed and reordered tensors, shapes and types have codes of their own")
    func tensors() throws {
        let folder = try UpdateFolder()
        let right = try entries(folder)
        for index in right.indices {
            var missing = right
            let gone = missing.remove(at: index)
            let found = try problem(folder, missing)
            #expect(found?.code == .missingTensor && found?.message.contains(gone.name) == true)
        }
        #expect(try problem(folder, right + [.init("norm.weight", .float32, [65])])?.code == .extraTensor)
        #expect(try problem(folder, right + [.init("frozen.count", .int64, [3])])?.code == .extraTensor)
        var renamed = right
        renamed[1] = .init("blocks.0.bies", .float32, renamed[1].shape)
        #expect(try problem(folder, renamed)?.code == .wrongName)
        #expect(try problem(folder, Array(right.reversed()))?.code == .wrongOrder)
        var turned = right
        turned[0] = .init(turned[0].name, .float32, turned[0].shape.reversed())
        #expect(try problem(folder, turned)?.code == .wrongShape)
        var typed = right
        typed[0] = .init(typed[0].name, .int32, typed[0].shape)
        #expect(try problem(folder, typed)?.code == .wrongType)
        for type in [TensorType.float64, .bfloat16, .float16] {
            let other = right.map { SafetensorsWriter.Entry($0.name, type, $0.shape) }
            #expect(try problem(folder, other)?.code == .wrongType)
        }
    }

    @Test("NaN and infinity are told apart, wherever they stand, with tensor and element")
    func notFinite() throws {
        let folder = try UpdateFolder()
        let right = try entries(folder)
        let quiet = withUnsafeBytes(of: Float.nan) { Array($0) }
        let minus = withUnsafeBytes(of: -Float.infinity) { Array($0) }
        let last = try problem(folder, right) { $0.replaceSubrange($0.count - 4..<$0.count, with: minus) }
        #expect(last?.code == .infinite && last?.message.contains("scalar") == true)
        let early = try problem(folder, right) { bytes in
            let start = bytes.count - 4 - 8 * 70_001
            bytes.replaceSubrange((start + 40)..<(start + 44), with: quiet)
            bytes.replaceSubrange((start + 48)..<(start + 52), with: minus)
        }
        #expect(early?.code == .notANumber && early?.message.contains("FC.weight") == true)
        #expect(early?.message.contains("element 10;") == true, "\(early?.message ?? "")")
    }

    @Test("a header that is cut, holds a tensor twice, claims too much or carries a text is refused")
    func headers() throws {
        let folder = try UpdateFolder()
        let right = try entries(folder)
        let cut = try problem(folder, right) { $0[0...1] = [40, 0] }
        #expect(cut?.code == .wrongFormat)
        let claims = try problem(folder, right) { $0[7] = 1 }
        #expect(claims?.code == .wrongFormat)
        let empty = try problem(folder, right) { $0[0...7] = [0, 0, 0, 0, 0, 0, 0, 0] }
        #expect(empty?.code == .wrongFormat)
        let twice = try problem(folder, right) { bytes in
            // The name of one tensor overwritten by another's of the same length.
            let text = String(decoding: bytes[8..<1000], as: UTF8.self)
            let changed = text.replacingOccurrences(of: "\"blocks.0.bias\"", with: "\"embed.weight\" ")
            bytes.replaceSubrange(8..<1000, with: Array(changed.utf8))
        }
        #expect(twice?.code == .wrongFormat && twice?.message.contains("twice") == true, "\(twice?.message ?? "")")
        #expect(try problem(folder, right, metadata: ["patient": "Doe"])?.code == .wrongFormat)
        #expect(try problem(folder, right, metadata: ["format": "Doe"])?.code == .wrongFormat)
    }

    @Test("what is wrong stays wrong: nothing after it is looked at")
    func sticks() throws {
        let folder = try UpdateFolder()
        var verifier = try UpdateVerifier(layout: folder.layout, encoding: .f32, bytes: 800_000)
        let garbage = [UInt8](repeating: 0xff, count: 16)
        for _ in 0..<3 {
            let problem = #expect(throws: Problem.self) { try verifier.add(garbage) }
            #expect(problem?.code == .wrongFormat)
        }
        #expect(verifier.problem?.code == .wrongFormat)
    }

    @Test("ten thousand random changes of a header never trap and never pass unnoticed")
    func random() throws {
        let folder = try UpdateFolder()
        try folder.update("u", seed: 1)
        let bytes = try folder.bytes("u")
        let layout = try folder.layout
        var random = SplitMix(state: 11)
        for _ in 0..<10_000 {
            var start = Array(bytes[..<600])
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                start[Int.random(in: 0..<start.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var verifier = try UpdateVerifier(layout: layout, encoding: .f32, bytes: bytes.count)
            _ = try? verifier.add(start)
        }
    }
}
