import Cryptography
import Federation
import Foundation
import Testing
import Weights

@Suite struct UpdateVerifierTests {
    /// Feeds bytes in pieces.
    private func verify(
        _ bytes: [UInt8], _ layout: UpdateLayout, encoding: UpdateEncoding = .f32, announced: Int? = nil,
        digest: String? = nil, maximumNorm: Double? = nil, pieces: (Int) -> Int = { _ in 1 << 16 }
    ) throws(Problem) -> VerifiedUpdate {
        var verifier = try UpdateVerifier(
            layout: layout, encoding: encoding, bytes: announced ?? bytes.count, maximumNorm: maximumNorm)
        var position = 0
        while position < bytes.count {
            let end = min(bytes.count, position + max(1, pieces(position)))
            try verifier.add(Array(bytes[position..<end]))
            position = end
        }
        return try verifier.finish(digest: digest ?? bytes.withUnsafeBytes { SHA256.hex(of: $0) })
    }

    @Test("an update is verified in pieces of any size, with one norm", arguments: UpdateEncoding.allCases)
    func pieces(_ encoding: UpdateEncoding) throws {
        let folder = try UpdateFolder()
        let update = try folder.update("u", seed: 4, encoding: encoding)
        let bytes = try folder.bytes("u")
        let first = try verify(bytes, folder.layout, encoding: encoding, pieces: { _ in .max - Int(UInt32.max) })
        #expect(first.digest == update.reference.digest && first.bytes == update.reference.bytes)
        let file = try SafetensorsFile(update.path)
        let sum = try file.tensors.reduce(0.0) { sum, tensor in
            try file.floats(tensor.name).reduce(sum) { $0 + Double($1) * Double($1) }
        }
        #expect(abs(first.norm - sum.squareRoot()) <= 1e-12 * first.norm)
        var random = SplitMix(state: 8)
        for size in [4093, 77, 64, 1 << 17] {
            let next = try verify(
                bytes, folder.layout, encoding: encoding, pieces: { _ in Int.random(in: 1...size, using: &random) })
            #expect(next == first)
        }
        var byByte = try UpdateVerifier(layout: folder.layout, encoding: encoding, bytes: bytes.count)
        for byte in bytes[..<2000] { try byByte.add([byte]) }
        try byByte.add(Array(bytes[2000...]))
        #expect(try byByte.finish(digest: first.digest) == first)
    }

    @Test("after a restart the durable bytes are read again and the rest is taken up")
    func resume() throws {
        let folder = try UpdateFolder()
        let update = try folder.update("u", seed: 4)
        let bytes = try folder.bytes("u")
        let whole = try verify(bytes, folder.layout)
        for cut in [0, 5, 300, 4096, bytes.count - 1, bytes.count] {
            var verifier = try UpdateVerifier(layout: folder.layout, encoding: .f32, bytes: bytes.count)
            try verifier.resume(fromFile: update.path, count: cut)
            #expect(verifier.offset == cut)
            try verifier.add(Array(bytes[cut...]))
            #expect(try verifier.finish(digest: whole.digest) == whole)
        }
        var verifier = try UpdateVerifier(layout: folder.layout, encoding: .f32, bytes: bytes.count + 1)
        let problem = #expect(throws: Problem.self) { try verifier.resume(fromFile: update.path) }
        #expect(problem?.code == .tooManyBytes, "the announced length is one more than the header describes")
    }

    @Test("what the site's writer makes passes with the very norm it found", arguments: UpdateEncoding.allCases)
    func writer(_ encoding: UpdateEncoding) throws {
        let folder = try UpdateFolder()
        let written = try DeltaWriter.write(
            to: folder.file("d"), base: folder.base, layout: folder.layout, encoding: encoding
        ) { name, offset, values in
            let local = UpdateFolder.numbers(offset + values.count, seed: name.utf8.count)
            for i in values.indices { values[i] = local[offset + i] }
        }
        let found = try verify(try folder.bytes("d"), folder.layout, encoding: encoding)
        #expect(found.norm == written.norm && found.digest == written.reference.digest)
        #expect(found.bytes == written.reference.bytes)
        let squares = written.norms.reduce(0) { $0 + $1.norm * $1.norm }
        #expect(abs(squares.squareRoot() - written.norm) <= 1e-12 * written.norm)
    }

    @Test("training that diverged is told before anything is written")
    func diverged() throws {
        let folder = try UpdateFolder()
        for (value, code) in [(Float.nan, Problem.Code.notANumber), (.infinity, .infinite)] {
            let problem = #expect(throws: Problem.self) {
                try DeltaWriter.write(
                    to: folder.file("d"), base: folder.base, layout: folder.layout, encoding: .f32
                ) { name, offset, values in
                    values.update(repeating: name == "scalar" ? value : 0)
                }
            }
            #expect(problem?.code == code && problem?.message.contains("scalar") == true)
            #expect(!FileManager.default.fileExists(atPath: folder.file("d")))
        }
    }

    @Test("wrong length, digest and norm are each refused by name")
    func ends() throws {
        let folder = try UpdateFolder()
        try folder.update("u", seed: 4)
        let (bytes, layout) = (try folder.bytes("u"), try folder.layout)
        func code(_ body: () throws(Problem) -> VerifiedUpdate) -> Problem.Code? {
            do throws(Problem) { _ = try body() } catch { return error.code }
            return nil
        }
        #expect(
            code { () throws(Problem) in try verify(Array(bytes.dropLast()), layout, announced: bytes.count) }
                == .tooShort)
        #expect(code { () throws(Problem) in try verify(bytes + [0], layout, announced: bytes.count) } == .tooManyBytes)
        #expect(code { () throws(Problem) in try verify(Array(bytes.dropLast(4)), layout) } == .tooShort)
        #expect(code { () throws(Problem) in try verify(bytes + [0, 0, 0, 0], layout) } == .tooManyBytes)
        #expect(code { () throws(Problem) in try verify(bytes, layout, announced: 7) } == .wrongSize)
        #expect(code { () throws(Problem) in try verify(bytes, layout, announced: 1 << 40) } == .wrongSize)
        let other = String(repeating: "0", count: 64)
        #expect(code { () throws(Problem) in try verify(bytes, layout, digest: other) } == .wrongDigest)
        let norm = try verify(bytes, layout).norm
        #expect(code { () throws(Problem) in try verify(bytes, layout, maximumNorm: norm * 0.999) } == .tooLong)
        #expect(try verify(bytes, layout, maximumNorm: norm).norm == norm)
    }
}
