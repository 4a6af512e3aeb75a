import Glibc
import Imaging
import NIfTI
import Testing

@Suite struct PreparationTests {
    private let recipe = Recipe(size: 32)

    private func refusal(_ body: () throws -> PreparedVolume) -> ImagingError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? ImagingError
        }
    }

    @Test func aBackgroundOfMinusThreePointSixIsBackground() throws {
        let zero = try Preparation.prepare(
            contrasts: [.t2w: Phantom.brainImage(background: 0)], brain: nil, recipe: recipe)
        var scored = Phantom.brainImage(background: 0)
        scored.voxels = scored.voxels.map { $0 == 0 ? -3.624 : ($0 - 600) / 100 }
        let other = try Preparation.prepare(contrasts: [.t2w: scored], brain: nil, recipe: recipe)
        #expect(other.geometry.cropOrigin == zero.geometry.cropOrigin)
        #expect(other.geometry.cropDims == zero.geometry.cropDims)
        let difference = zip(zero.voxels, other.voxels).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        #expect(difference < 1e-4)
        #expect(other.voxels[2 * 32 * 32 * 32] == 0)
    }

    @Test(
        "standardised puts a contrast's median at 0.45 and 0.15 for half of what lies between the 16th and 84th percentile"
    )
    func byMedianAndSpread() throws {
        let scan = Phantom.brainImage()
        let sorted = scan.voxels.filter { $0 != 0 }.sorted()
        /// numpy's linear interpolation between ranks.
        func percentile(_ p: Double) -> Float {
            let place = p / 100 * Double(sorted.count - 1)
            let low = Int(place)
            let high = min(low + 1, sorted.count - 1)
            return sorted[low] + Float(place - Double(low)) * (sorted[high] - sorted[low])
        }
        let deviation = (percentile(84) - percentile(16)) / 2
        let recipe = Recipe(name: .standardised, size: 48)
        let found = try Preparation.prepare(contrasts: [.t1c: scan], brain: nil, recipe: recipe)
        let whole = try Preparation.prepare(
            contrasts: [.t1c: scan], brain: nil, recipe: Recipe(size: 48, percentiles: [0, 100]))
        #expect(found.geometry == whole.geometry)
        // Far from air both are linear in what was scanned.
        let (low, high) = (sorted[0], sorted[sorted.count - 1])
        var (seen, worst) = (0, Float(0))
        for x in 16..<32 {
            for y in 16..<32 {
                for z in 16..<32 {
                    let i = ((48 + x) * 48 + y) * 48 + z
                    let scanned = low + whole.voxels[i] * (high - low)
                    let expected = 0.45 + 0.15 * (scanned - percentile(50)) / deviation
                    worst = max(worst, abs(found.voxels[i] - expected))
                    seen += abs(expected - 0.45) > 0.1 ? 1 : 0
                }
            }
        }
        #expect(seen > 100 && worst < 2e-3)
        // However the scanner scales its numbers.
        var other = scan
        other.voxels = other.voxels.map { $0 * 3.5 }
        let again = try Preparation.prepare(contrasts: [.t1c: other], brain: nil, recipe: recipe)
        #expect(zip(again.voxels, found.voxels).allSatisfy { abs($0 - $1) < 1e-4 })
    }

    @Test func aMissingContrastIsAllZeroAndSaidSo() throws {
        let prepared = try Preparation.prepare(
            contrasts: [.t1c: Phantom.brainImage(), .flair: Phantom.brainImage(gain: 2)], brain: nil, recipe: recipe)
        #expect(prepared.present == [false, true, false, true])
        let volume = 32 * 32 * 32
        #expect(prepared.voxels[0..<volume].allSatisfy { $0 == 0 })
        #expect(prepared.voxels[volume..<2 * volume].contains { $0 > 0.9 })
        #expect(prepared.voxels[2 * volume..<3 * volume].allSatisfy { $0 == 0 })
    }

    @Test func aConstantChannelCountsAsAbsentWithAWarning() throws {
        var flat = Phantom.brainImage()
        flat.voxels = flat.voxels.map { _ in 7 }
        let prepared = try Preparation.prepare(
            contrasts: [.t1w: flat, .t2w: Phantom.brainImage()], brain: nil, recipe: recipe)
        #expect(prepared.present == [false, false, true, false])
        #expect(prepared.warnings.contains { $0.contains("T1w") && $0.contains("absent") })
        #expect(
            refusal { try Preparation.prepare(contrasts: [.t1w: flat], brain: nil, recipe: recipe) }?.code
                == .noContrast)
        #expect(refusal { try Preparation.prepare(contrasts: [:], brain: nil, recipe: recipe) }?.code == .noContrast)
    }

    @Test func nonFiniteVoxelsAreRefusedWithTheirCountOrReplaced() throws {
        var broken = Phantom.brainImage()
        broken.voxels[0] = .nan
        broken.voxels[100_000] = .infinity
        broken.voxels[150_000] = -.infinity
        let error = refusal { try Preparation.prepare(contrasts: [.flair: broken], brain: nil, recipe: recipe) }
        #expect(error?.code == .nonFinite)
        #expect(error?.message.contains("FLAIR has 3 voxels") == true)
        var replacing = recipe
        replacing.nonFinite = .replace
        let prepared = try Preparation.prepare(contrasts: [.flair: broken], brain: nil, recipe: replacing)
        #expect(prepared.voxels.allSatisfy { $0.isFinite })
        #expect(prepared.warnings.contains { $0.contains("FLAIR had 3 voxels") })
    }

    @Test func hugeFiniteValuesAreRefusedAndNeverBecomeNaN() throws {
        var wide = Phantom.brainImage()
        let inside = wide.voxels.indices.filter { wide.voxels[$0] != 0 }
        wide.voxels[inside[0]] = 3e38
        wide.voxels[inside[1]] = -3e38
        // Each alone has a range; their common one has not.
        var (low, high) = (Phantom.brainImage(), Phantom.brainImage())
        low.voxels[inside[0]] = -3e38
        high.voxels[inside[1]] = 3e38
        // A range it has, but sums of its neighbours are infinite.
        var dense = Phantom.brainImage()
        for index in inside { dense.voxels[index] = 3e38 - (index % 2 == 0 ? 1e37 : 0) }
        for name in Recipe.Name.allCases {
            let recipe = Recipe(name: name, size: 16)
            for contrasts: [Contrast: NIfTIImage] in [[.t2w: wide], [.t1w: low, .t2w: high]] {
                let error = refusal { try Preparation.prepare(contrasts: contrasts, brain: nil, recipe: recipe) }
                #expect(error?.code == .nonFinite, "\(name)")
            }
            let error = refusal {
                let prepared = try Preparation.prepare(contrasts: [.t2w: dense], brain: nil, recipe: recipe)
                #expect(prepared.voxels.allSatisfy { (0...1).contains($0) }, "\(name)")
                return prepared
            }
            #expect((error?.code ?? .nonFinite) == .nonFinite && error?.message.contains("T2w") != false, "\(name)")
        }
    }

    @Test func contrastsThatDoNotOverlapAreRefusedByName() {
        var elsewhere = Phantom.brainImage()
        elsewhere.header.affine.rows[0][3] += 400
        let error = refusal {
            try Preparation.prepare(
                contrasts: [.t1w: Phantom.brainImage(), .t2w: elsewhere], brain: nil, recipe: recipe)
        }
        #expect(error?.code == .noOverlap)
        #expect(error?.message.contains("T2w") == true && error?.message.contains("T1w") == true)
    }

    @Test func aHeadWithSkullAndNoiseIsRefusedUnlessAllowed() throws {
        var seed: UInt64 = 1
        let dims = [70, 84, 64]
        let noisy = Phantom.image(dims: dims, affine: Phantom.centred(dims, spacing: [3, 3, 3])) { x, y, z in
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Phantom.brain()(x, y, z) + Float(seed >> 60) + 1
        }
        let error = refusal { try Preparation.prepare(contrasts: [.t1w: noisy], brain: nil, recipe: recipe) }
        #expect(error?.code == .notBrainExtracted)
        #expect(error?.message.contains("T1w") == true && error?.message.contains("unstripped") == true)
        let silent = Phantom.image(dims: dims, affine: Phantom.centred(dims, spacing: [3, 3, 3])) { x, y, z in
            x * x / 8100 + y * y / 11025 + z * z / 9025 < 1 ? 500 + Float(x) : 0
        }
        #expect(
            refusal { try Preparation.prepare(contrasts: [.t1w: silent], brain: nil, recipe: recipe) }?.code
                == .notBrainExtracted)
        let allowed = try Preparation.prepare(
            contrasts: [.t1w: noisy], brain: nil, recipe: Recipe(size: 32, unstripped: true))
        #expect(allowed.warnings.contains { $0.contains("not brain-extracted") })
        // With a mask it is the brain alone.
        let mask = Phantom.image(dims: dims, affine: Phantom.centred(dims, spacing: [3, 3, 3])) { x, y, z in
            Phantom.brain()(x, y, z) > 0 ? 1 : 0
        }
        let masked = try Preparation.prepare(contrasts: [.t1w: noisy], brain: mask, recipe: recipe)
        #expect(masked.warnings.isEmpty)
        #expect(masked.voxels[0] == 0)
        #expect(masked.geometry.cropDims[0] < dims[0] - 20)
    }

    @Test func aMaskedHeadIsToLamimsRecipesWhatTheExtractedBrainIs() throws {
        let dims = [50, 60, 44]
        let affine = Phantom.centred(dims, spacing: [3, 3, 3])
        var seed: UInt64 = 1
        let head = Phantom.image(dims: dims, affine: affine) { x, y, z in
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Phantom.brain()(x, y, z) + 40 + Float(seed >> 60)
        }
        let mask = Phantom.image(dims: dims, affine: affine) { x, y, z in Phantom.brain()(x, y, z) > 0 ? 1 : 0 }
        var extracted = head
        extracted.voxels = zip(head.voxels, mask.voxels).map { $0 * $1 }
        for name in [Recipe.Name.lamimPretrain, .lamimFinetune] {
            let recipe = Recipe(name: name, size: 20)
            let masked = try Preparation.prepare(contrasts: [.t2w: head], brain: mask, recipe: recipe)
            let expected = try Preparation.prepare(contrasts: [.t2w: extracted], brain: nil, recipe: recipe)
            #expect(masked == expected, "\(name)")
            #expect(masked.voxels[2 * 20 * 20 * 20] == 0)
        }
    }

    @Test func contrastsOfDifferentGridsMeetOnTheFinest() throws {
        let fineDims = [120, 150, 110]
        let fine = Phantom.image(
            dims: fineDims, affine: Phantom.centred(fineDims, spacing: [1.2, 1.2, 1.2]), value: Phantom.brain())
        let thickDims = [160, 190, 26]
        let thick = Phantom.image(
            dims: thickDims, affine: Phantom.centred(thickDims, spacing: [0.9, 0.9, 5.5]), value: Phantom.brain())
        let turned = try Phantom.stored(thick, as: "PIR")
        let prepared = try Preparation.prepare(
            contrasts: [.t1w: fine, .flair: turned], brain: nil, recipe: recipe)
        #expect(prepared.geometry.reference == .t1w)
        #expect(prepared.warnings.contains { $0.contains("FLAIR") && $0.contains("resampled") })
        let volume = 32 * 32 * 32
        let (a, b) = (prepared.voxels[0..<volume], prepared.voxels[3 * volume..<4 * volume])
        let pairs = zip(a, b).filter { $0.0 > 0.1 && $0.1 > 0.1 }
        let mean = pairs.reduce(Float(0)) { $0 + abs($1.0 - $1.1) } / Float(pairs.count)
        #expect(pairs.count > 5000)
        #expect(mean < 0.06)
    }

    @Test func theFinestGridIsThatOfTheSmallestLargestEdgeThenOfTheSmallestVoxel() throws {
        #expect(FinestGrid.index(of: []) == nil)
        #expect(FinestGrid.index(of: [[0.43, 0.43, 5], [1, 1, 1]]) == 1)
        #expect(FinestGrid.index(of: [[1, 1, 1], [1, 0.9, 1], [1.0004, 0.9, 1]]) == 1)
        #expect(FinestGrid.index(of: [[1, 1, 1], [1.0000001, 0.9999999, 1]]) == 0)
        #expect(FinestGrid.index(of: [[5, 0.5, 0.5], [0.4, 5.001, 0.4], [6, 0.1, 0.1]]) == 1)
        // The volume of a voxel of the thick slices is smaller: 3.4 against 8 mm³.
        let thin = [200, 230, 24]
        let slices = Phantom.image(
            dims: thin, affine: Phantom.centred(thin, spacing: [0.8, 0.8, 5.3]), value: Phantom.brain())
        let prepared = try Preparation.prepare(
            contrasts: [.t1w: Phantom.brainImage(), .flair: slices], brain: nil, recipe: recipe)
        #expect(prepared.geometry.reference == .t1w)
    }

    @Test func theLastPlanesOfAScanThatIsAveragedInGroupsAreKept() throws {
        let coarse = Affine(rows: [[3, 0, 0, 1], [0, 3, 0, 1], [0, 0, 3, 1]])
        let reference = Phantom.image(dims: [20, 20, 20], affine: coarse) { x, _, _ in Float(x) }
        // Three of its columns make one of the reference's; the last group has but two.
        let fine = Affine(rows: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 6, 2.5]])
        let scan = Phantom.image(dims: [59, 60, 10], affine: fine) { x, _, _ in x > 56 ? 100 : 50 }
        let prepared = try Preparation.prepare(
            contrasts: [.t1w: reference, .flair: scan], brain: nil,
            recipe: Recipe(name: .lamimPretrain, size: 20, unstripped: true))
        #expect(prepared.geometry.reference == .t1w)
        #expect(prepared.voxels[((3 * 20 + 19) * 20 + 10) * 20 + 10] == 1)
        #expect(prepared.voxels[((3 * 20 + 18) * 20 + 10) * 20 + 10] == 0)
    }

    @Test func aContrastStoredInAnotherOrderIsTheSameBitForBitInAllFortyEightOrientations() throws {
        let dims = [30, 36, 26]
        var oblique = Phantom.centred(dims, spacing: [5, 4.5, 5])
        oblique.rows[0][1] = 0.4
        oblique.rows[1][0] = -0.44
        let first = Phantom.image(dims: dims, affine: oblique, value: Phantom.brain())
        var second = Phantom.image(dims: dims, affine: oblique, value: Phantom.brain(gain: 2))
        // Sharp noise, that any interpolation would soften.
        for index in second.voxels.indices where second.voxels[index] != 0 {
            second.voxels[index] += Float(index &* 7919 % 101)
        }
        let mask = Phantom.image(dims: dims, affine: oblique) { x, y, z in
            x * x / 2500 + y * y / 4000 + z * z / 2000 < 1 ? 1 : 0
        }
        let expected = try Preparation.prepare(contrasts: [.t1w: first, .flair: second], brain: mask, recipe: recipe)
        #expect(!expected.warnings.contains { $0.contains("resampled") })
        for orientation in Orientation.all {
            let turned = try Preparation.prepare(
                contrasts: [.t1w: first, .flair: second.oriented(as: orientation)],
                brain: mask.oriented(as: orientation), recipe: recipe)
            #expect(turned == expected, "\(orientation.letters)")
        }
    }

    @Test func theBytesDoNotDependOnTheThreads() throws {
        let contrasts: [Contrast: NIfTIImage] = [
            .t1w: Phantom.brainImage(), .t1c: Phantom.brainImage(gain: 3), .t2w: Phantom.brainImage(gain: 0.5),
            .flair: try Phantom.stored(Phantom.brainImage(), as: "LPS"),
        ]
        for name in Recipe.Name.allCases {
            let recipe = Recipe(name: name, size: 24)
            let one = try Preparation.prepare(contrasts: contrasts, brain: nil, recipe: recipe, threads: 1)
            for threads in [2, 3, 8] {
                let many = try Preparation.prepare(contrasts: contrasts, brain: nil, recipe: recipe, threads: threads)
                #expect(many == one)
            }
        }
    }

    @Test func filesAndImagesAndOneFourDimensionalFileGiveTheSame() throws {
        let folder = "/tmp/consilium-imaging-\(UInt64.random(in: .min ... .max))"
        #expect(mkdir(folder, 0o700) == 0)
        defer { for name in ["a", "b", "c", "d", "v"] { unlink("\(folder)/\(name).nii.gz") }; rmdir(folder) }
        let gains: [Float] = [1, 3, 0.5, 2]
        var contrasts: [Contrast: NIfTIImage] = [:]
        var paths = CasePaths()
        var all: [Float] = []
        for (contrast, (gain, name)) in zip(Contrast.allCases, zip(gains, ["a", "b", "c", "d"])) {
            let image = Phantom.brainImage(gain: gain)
            contrasts[contrast] = image
            let path = "\(folder)/\(name).nii.gz"
            try NIfTIFile.write(
                path, voxels: image.voxels, dims: image.header.dims, affine: image.header.affine)
            paths.contrasts[contrast] = path
            all += image.voxels
        }
        let image = Phantom.brainImage()
        try NIfTIFile.write(
            "\(folder)/v.nii.gz", voxels: all, dims: image.header.dims + [4], affine: image.header.affine)
        let expected = try Preparation.prepare(contrasts: contrasts, brain: nil, recipe: recipe)
        let files = try Preparation.prepare(paths: paths, recipe: recipe)
        let volume = try Preparation.prepare(paths: CasePaths(volume: "\(folder)/v.nii.gz"), recipe: recipe)
        #expect(files == expected)
        #expect(volume == expected)
        let read = try NIfTIFile.read("\(folder)/v.nii.gz")
        #expect(
            try Preparation.prepare(contrasts: Preparation.contrasts(of: read), brain: nil, recipe: recipe) == expected)
        let error = refusal {
            try Preparation.prepare(paths: CasePaths(contrasts: [.t1w: "\(folder)/v.nii.gz"]), recipe: recipe)
        }
        #expect(error?.code == .wrongVolumes)
        #expect(error?.message.contains("v.nii.gz") == true)
        let three = refusal { try Preparation.prepare(paths: CasePaths(volume: "\(folder)/a.nii.gz"), recipe: recipe) }
        #expect(three?.code == .wrongVolumes)
    }

    @Test func percentilesAreThoseOfASortedList() {
        let image = Phantom.brainImage()
        let inside = image.voxels.filter { $0 != 0 }.sorted()
        let asked = [0, 0.5, 25, 50, 99.5, 100]
        let found = Survey(of: image, percentiles: asked).percentiles
        for (percentile, value) in zip(asked, found) {
            let rank = percentile / 100 * Double(inside.count - 1)
            let below = Int(rank)
            let above = min(below + 1, inside.count - 1)
            let expected =
                Double(inside[below]) + (Double(inside[above]) - Double(inside[below])) * (rank - Double(below))
            #expect(abs(Double(value) - expected) < 1e-3)
        }
    }

    @Test func aSurveyCountsWhatPlainLoopsCountAtEveryLineLength() {
        for length in [1, 2, 7, 15, 16, 17, 31, 32, 33, 65] {
            var image = Phantom.image(
                dims: [length, 5, 3], affine: Phantom.centred([length, 5, 3], spacing: [1, 1, 1])
            ) { x, y, z in Float((x * 7 + y * 3 + z).truncatingRemainder(dividingBy: 5)) }
            image.voxels[image.voxels.count / 2] = .nan
            image.voxels[image.voxels.count - 1] = .infinity
            let survey = Survey(of: image)
            let finite = image.voxels.filter { $0.isFinite }
            #expect(survey.nonFinite == image.voxels.count - finite.count)
            #expect(survey.minimum == finite.min() && survey.maximum == finite.max())
            let (low, high) = (survey.background.darkest, survey.background.brightest)
            let foreground = finite.filter { $0 < low || $0 > high }.count
            #expect(survey.foreground == foreground)
            for axis in 0..<3 { #expect(survey.profiles[axis].reduce(0, +) == foreground) }
        }
    }
}
