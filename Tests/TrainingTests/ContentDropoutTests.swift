import Cryptography
import Foundation
import Testing
import Training

@Suite struct ContentDropoutTests {
    private struct Golden: Decodable {
        struct Stream: Decodable {
            var seed: UInt32
            var words: [UInt32]
            var units: [Double]
            var below: [Int]
        }
        struct Mask: Decodable {
            var seed: UInt32
            var size: Int
            var side: Int
            var holes: Int
            var kept: Int
            var sha256: String
        }
        var streams: [Stream]
        var masks: [Mask]
    }

    private static func golden() throws -> Golden {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/pretraining/dropout.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: path))
    }

    @Test("the generator draws what NumPy's RandomState draws")
    func generator() throws {
        for stream in try Self.golden().streams {
            var random = MersenneTwister(seed: stream.seed)
            #expect((0..<3).map { _ in random.next() } == stream.words)
            #expect(Array((0..<700).map { _ in random.unit() }.suffix(3)) == stream.units)
            let bounds = [1, 2, 3, 81, 93, 1000, 1 << 20].flatMap { [$0, $0, $0] }
            #expect(bounds.map { random.integer(below: $0) } == stream.below)
        }
    }

    @Test("the holes lie where MONAI's transform puts them, bit by bit, and at half the size at half the scale")
    func masks() throws {
        for mask in try Self.golden().masks {
            let scheme: ContentDropout.Scheme = mask.holes == 86 ? .blocks16 : .blocks4
            let dropout = ContentDropout(scheme, size: mask.size)
            #expect(dropout.side == mask.side && dropout.holes == mask.holes)
            var random = MersenneTwister(seed: mask.seed)
            var voxels = [Float](repeating: 1, count: mask.size * mask.size * mask.size)
            voxels.withUnsafeMutableBufferPointer { dropout.apply(to: $0, &random) }
            #expect(voxels.count { $0 == 1 } == mask.kept)
            #expect(voxels.withUnsafeBytes { SHA256.hex(of: $0) } == mask.sha256)
        }
    }

    @Test("about as much is taken out at every size", arguments: [16, 24, 32, 40, 48, 64, 96])
    func share(size: Int) {
        for (scheme, published) in [(ContentDropout.Scheme.blocks16, 86.0 * 4096), (.blocks4, 6000.0 * 64)] {
            let dropout = ContentDropout(scheme, size: size)
            let hit = Double(dropout.holes * dropout.side * dropout.side * dropout.side) / Double(size * size * size)
            #expect(abs(hit * 884_736 / published - 1) < 0.02, "\(scheme) \(dropout)")
        }
    }

    @Test("views differ by contrast, view, case and seed, are the same again, and leave absent contrasts alone")
    func views() {
        let dropout = ContentDropout(.blocks16, size: 16)
        let channel = 16 * 16 * 16
        let whole = [Float](repeating: 1, count: 3 * channel)
        func view(_ name: String, seed: UInt64 = 3) -> [Float] {
            dropout.view(whole, shown: [true, false, true], seed: seed, name: name)
        }
        let one = view("case 1, view 1")
        #expect(one == view("case 1, view 1"))
        #expect(
            one != view("case 1, view 2") && one != view("case 2, view 1") && one != view("case 1, view 1", seed: 4))
        #expect(one[channel..<2 * channel].allSatisfy { $0 == 1 })
        #expect(Array(one[..<channel]) != Array(one[(2 * channel)...]))
    }
}
