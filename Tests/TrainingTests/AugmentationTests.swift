import Compute
import Encoder
import Foundation
import Testing
import Training

@Suite struct AugmentationTests {
    private static let size = 12
    private static let channel = 12 * 12 * 12

    /// Two contrasts of a lopsided blob: brighter to one side, zero outside.
    private func head() -> [Float] {
        var voxels = [Float](repeating: 0, count: 2 * Self.channel)
        for c in 0..<2 {
            for i in 2..<10 {
                for j in 2..<10 {
                    for k in 2..<10 {
                        voxels[c * Self.channel + (i * 12 + j) * 12 + k] =
                            0.2 + 0.05 * Float(i) + 0.01 * Float(j + k + c)
                    }
                }
            }
        }
        return voxels
    }

    private func changed(
        _ kinds: Set<Augmentation.Kind>, seed: UInt64 = 1, name: String = "case, epoch 0", orientation: String = "RAS"
    ) throws -> [Float] {
        var voxels = head()
        try Augmentation(kinds, orientation: orientation).apply(to: &voxels, contrasts: 2, seed: seed, name: name)
        return voxels
    }

    @Test("what is drawn depends on seed, case and epoch alone", arguments: Augmentation.Kind.allCases)
    func deterministic(kind: Augmentation.Kind) throws {
        let all = try (0..<12).map { try changed([kind], name: "case, epoch \($0)") }
        #expect(Set(all).count >= 2)
        #expect(try changed([kind], name: "case, epoch 3") == all[3])
        #expect(try (0..<12).map { try changed([kind], seed: 2, name: "case, epoch \($0)") } != all)
        #expect(all.allSatisfy { $0.allSatisfy { $0.isFinite && $0 >= 0 && $0 < 2 } })
    }

    @Test("none changes nothing; a flip exchanges left and right, whichever axis that is, and twice is none")
    func flips() throws {
        #expect(try changed([]) == head())
        for (orientation, axis) in [("RAS", 0), ("ALS", 1), ("PSR", 2)] {
            let before = head()
            var expected = before
            for at in before.indices {
                let rest = at % Self.channel
                var place = [rest / 144, rest / 12 % 12, rest % 12]
                place[axis] = 11 - place[axis]
                expected[at - rest + (place[0] * 12 + place[1]) * 12 + place[2]] = before[at]
            }
            let found = try Set((0..<20).map { try changed([.flip], name: "\($0)", orientation: orientation) })
            #expect(found == [before, expected])
        }
        #expect(throws: TrainingError.self) { _ = try Augmentation([.flip], orientation: "stored") }
        _ = try Augmentation([.affine, .intensity, .biasField], orientation: "stored")
    }

    @Test("a turn moves the head a little and keeps its brightness; values and fields keep what is outside outside")
    func small() throws {
        let before = head()
        let mass = before.reduce(0, +)
        for epoch in 0..<8 {
            let turned = try changed([.affine], name: "\(epoch)")
            #expect(abs(turned.reduce(0, +) / mass - 1) < 0.25)
            // The middle stays in the middle.
            let middle = (6 * 12 + 6) * 12 + 6
            #expect(abs(turned[middle] - before[middle]) < 0.15)
            for kind in [Augmentation.Kind.intensity, .biasField] {
                let other = try changed([kind], name: "\(epoch)")
                #expect(zip(before, other).allSatisfy { ($0 == 0) == ($1 == 0) && abs($0 - $1) < 0.5 })
            }
        }
    }

    @Test("training with a frozen encoder still sees cases anew each epoch, and resumed it is the same")
    func frozen() throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func losses(_ name: String, _ augment: [Augmentation.Kind]) throws -> [Double] {
            var found: [Double] = []
            let request = SmallProblem.request(folder + "/" + name) {
                $0.freeze = ["encoder"]
                $0.dropContrasts = 0
                $0.rate = 1e-30
                $0.augment = augment
            }
            _ = try Fit(request).run(
                report: { if case .epoch(let record, _) = $0 { found.append(record.trainLoss) } }, shouldStop: { false }
            )
            return found
        }
        let same = try losses("same", [])
        #expect(same.allSatisfy { abs($0 - same[0]) < 1e-6 })
        let anew = try losses("anew", [.intensity, .flip])
        #expect(Set(anew.map { ($0 * 1e7).rounded() }).count == anew.count)
        #expect(try losses("again", [.intensity, .flip]) == anew)
    }
}
