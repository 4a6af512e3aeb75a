import Encoder
import Foundation
import Imaging
import NIfTI
import Statistics
import Testing
import Training

@Suite struct ImageStatisticsTests {
    /// An ellipsoid of brain; each contrast is a mixture of two textures, of its own proportion, and T1c has vessels.
    private func volume(
        noise: Float = 0, spacing: Double = 4, half: Bool = false, present: [Bool] = [true, true, true, true],
        swap: (Int, Int)? = nil, gain: Float = 1
    ) throws -> PreparedVolume {
        let size = 24
        var geometry = try anyGeometry()
        var random = RandomStream(seed: 4, name: "noise")
        let shares: [Float] = [0.9, 0.7, 0.2, -0.3]
        var channels: [[Float]] = (0..<4).map { _ in [] }
        for x in 0..<size {
            for y in 0..<size {
                for z in 0..<size {
                    let (a, b, c) = (Float(x) - 11.5, Float(y) - 11.5, Float(z) - 11.5)
                    let inside = a * a / 64 + b * b / 121 + c * c / 81 < 1 && !(half && x < 12)
                    for channel in 0..<4 {
                        let texture = shares[channel] * sin(a / 2) + (1 - abs(shares[channel])) * cos(b / 2)
                        let vessel: Float = channel == 1 && (x + y) % 7 == 0 && z % 5 == 0 ? 0.3 : 0
                        let fine = 0.03 * sin(1.7 * a + 0.9 * b + 2.3 * c)
                        let value = 0.5 + 0.2 * texture + fine + vessel + noise * random.normal()
                        channels[channel].append(inside && present[channel] ? gain * max(value, 0.01) : 0)
                    }
                }
            }
        }
        if let swap { channels.swapAt(swap.0, swap.1) }
        geometry.spacing = [spacing, spacing, spacing]
        return PreparedVolume(
            size: size, voxels: channels.flatMap(\.self), present: present, recipe: Recipe(size: size),
            geometry: geometry, warnings: [])
    }

    /// Of any prepared scan.
    private func anyGeometry() throws -> PreparedGeometry {
        let affine = Affine(spacing: (4, 4, 4))
        var voxels = [Float](repeating: 0, count: 12 * 12 * 12)
        for i in voxels.indices where i % 12 > 2 && i / 12 % 12 > 2 && i / 144 > 2 { voxels[i] = Float(100 + i % 50) }
        let image = NIfTIImage(
            header: NIfTIHeader(version: 1, dims: [12, 12, 12], spacing: affine.spacing, affine: affine), voxels: voxels
        )
        return try Preparation.prepare(contrasts: [.t1w: image], brain: nil, recipe: Recipe(size: 8)).geometry
    }

    private func value(_ name: String, _ volume: PreparedVolume) throws -> Double {
        let index = try #require(ImageStatistics.names.firstIndex(of: name))
        return try #require(ImageStatistics(volume).values[index])
    }

    @Test("sixteen numbers, each of which says what its name says")
    func numbers() throws {
        #expect(ImageStatistics.names.count == 16)
        let usual = try volume()
        #expect(ImageStatistics(usual).values.count == 16)
        let small = try value("brain volume", volume(spacing: 2))
        #expect(abs(try value("brain volume", usual) - small - log(8)) < 1e-9)
        let whole = try value("symmetry of the brain", usual)
        #expect(try value("symmetry of the brain", volume(half: true)) < whole - 2)
        #expect(try value("noise of FLAIR", volume(noise: 0.1)) > (try value("noise of FLAIR", usual)) + 1)
        #expect(try value("likeness of T1w and T2w", usual) > 0)
        #expect(try value("likeness of T1w and T2w", volume(swap: (2, 3))) < 0)
    }

    @Test("what contrast agent adds, grain and noise are NumPy's; T1w for T1c turns the first, gain leaves grain alone")
    func texture() throws {
        let usual = try volume()
        // Of Tests/Fixtures/statistics/image_statistics.py.
        #expect(abs(try value("enhancement of T1c over T1w", usual) - 0.6533) < 1e-3)
        #expect(abs(try value("enhancement of T1c over T1w", volume(swap: (0, 1))) + 0.6537) < 1e-3)
        #expect(abs(try value("noise of T2w", usual) + 4.1010) < 0.01)
        #expect(abs(try value("grain of T2w", usual) + 0.8430) < 0.01)
        #expect(abs(try value("noise of T2w", volume(gain: 0.5)) - (value("noise of T2w", usual) - log(2))) < 0.02)
        #expect(abs(try value("grain of T2w", volume(gain: 0.5)) - value("grain of T2w", usual)) < 0.02)
        #expect(try value("grain of T2w", volume(noise: 0.1)) > (try value("grain of T2w", usual)) + 0.3)
    }

    @Test("an absent contrast has no numbers, and an empty volume is told from any brain")
    func absent() throws {
        let values = ImageStatistics(try volume(present: [true, false, true, false])).values
        let missing = zip(ImageStatistics.names, values).filter { $0.1 == nil }.map(\.0)
        #expect(
            missing == [
                "enhancement of T1c over T1w", "brightness of T1c", "brightness of FLAIR", "noise of T1c",
                "noise of FLAIR", "likeness of T1w and FLAIR", "likeness of T2w and FLAIR",
            ])
        let empty = ImageStatistics(try volume(present: [false, false, false, false])).values
        #expect(empty.allSatisfy { $0?.isNaN == true })
    }

    @Test("a projection is its seed's, and keeps distances on the whole")
    func projection() {
        let one = FeatureProjection(inputs: 300, dimensions: 16, seed: 1)
        var random = RandomStream(seed: 9, name: "features")
        let features = (0..<300).map { _ in random.normal() }
        #expect(one(features) == FeatureProjection(inputs: 300, dimensions: 16, seed: 1)(features))
        #expect(one(features) != FeatureProjection(inputs: 300, dimensions: 16, seed: 2)(features))
        let length = one(features).reduce(0) { $0 + $1 * $1 } / 16
        #expect(length > 0.3 && length < 3)
    }

    @Test(
        "a case unlike the training cases is told, with what tells it; one like them is not; sites that differ widen it"
    )
    func judgement() throws {
        var random = RandomStream(seed: 2, name: "cases")
        func site(_ shift: Double) -> Familiarity {
            var site = Familiarity(model: "m", dimensions: 2)
            for _ in 0..<60 {
                let (a, b) = (Double(random.normal()), Double(random.normal()))
                site.add(features: [a, b], images: [b + shift, a, nil])
            }
            return site
        }
        let alike = try #require(Familiarity([site(0), site(0), site(0)]))
        #expect(alike.isWhole && alike.features.count == 180 && (alike.between?.images ?? 9) < 1.2)
        let usual = try #require(alike.judge(features: [0.1, 0.2], images: [0.3, 0.1, nil]))
        #expect(usual.reason == nil && usual.probability > 0.5)
        let far = try #require(alike.judge(features: [0, 0], images: [9, 0, nil]))
        #expect(try #require(far.reason).contains("brain volume") && far.probability < 1e-6)
        let odd = try #require(alike.judge(features: [9, 0], images: [0, 0, nil]))
        #expect(try #require(odd.reason).contains("features"))
        let differing = try #require(Familiarity([site(0), site(4), site(8)]))
        #expect((differing.between?.images ?? 0) > 2)
        #expect(try #require(differing.judge(features: [0, 0], images: [10, 0, nil])).reason == nil)
        // The first of sixteen numbers, odd by itself and not by the sum of squares; the fourth is asked alone, the fifth not.
        var many = Familiarity(model: "m", dimensions: 16)
        for _ in 0..<400 { many.add(features: Self.normal(&random), images: Self.normal(&random).map { $0 }) }
        let one = [4.0] + Array(repeating: 0.0, count: 15)
        let verdict = try #require(many.judge(features: Array(repeating: 0, count: 16), images: one))
        #expect(try #require(verdict.reason).contains("brain volume"))
        #expect(try #require(ShrunkGaussian(many.images)).probability(one) > Familiarity.imageLevel)
        func reason(_ odd: Int) -> String? {
            many.judge(
                features: Array(repeating: 0, count: 16), images: (0..<16).map { $0 == odd ? 4.0 : 0 })?.reason
        }
        #expect(try #require(reason(3)).contains(ImageStatistics.names[3]) && reason(4) == nil)
        var other = Familiarity(model: "another", dimensions: 2)
        other.add(features: [0, 0], images: [0, 0])
        #expect(Familiarity([site(0), other]) == nil && Familiarity([]) == nil)
        var newer = site(0)
        newer.numbers += 1
        #expect(!newer.isWhole && Familiarity([site(0), newer]) == nil)
        #expect(Familiarity(model: "m", dimensions: 2).judge(features: [0, 0], images: [0, 0]) == nil)
    }

    private static func normal(_ random: inout RandomStream) -> [Double] {
        (0..<16).map { _ in Double(random.normal()) }
    }
}
