import Imaging
import NIfTI
import Testing

/// Compared with MONAI 1.2/1.6.1 on torch 2.13 (preproc.safetensors).
@Suite struct GoldenPreparationTests {
    /// (C, X, Y, Z) in C order to images with x fastest.
    private func images(_ tensor: (shape: [Int], values: [Float])) -> [Contrast: NIfTIImage] {
        let (nx, ny, nz) = (tensor.shape[1], tensor.shape[2], tensor.shape[3])
        let header = NIfTIHeader(
            version: 1, dims: [nx, ny, nz], spacing: [1, 1, 1], affine: Affine(spacing: (1, 1, 1)))
        return Dictionary(
            uniqueKeysWithValues: Contrast.allCases.map { contrast in
                (contrast, NIfTIImage(header: header, voxels: channel(tensor, contrast.channel)))
            })
    }

    private func channel(_ tensor: (shape: [Int], values: [Float]), _ c: Int) -> [Float] {
        let (nx, ny, nz) = (tensor.shape[1], tensor.shape[2], tensor.shape[3])
        var voxels: [Float] = []
        for z in 0..<nz {
            for y in 0..<ny { for x in 0..<nx { voxels.append(tensor.values[((c * nx + x) * ny + y) * nz + z]) } }
        }
        return voxels
    }

    private func furthest(_ a: [Float], _ b: [Float]) -> Float {
        a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
    }

    @Test(arguments: [[16, 16, 16], [19, 26, 13], [24, 12, 32]]) func areaResizeIsMonais(to: [Int]) throws {
        let tensors = try Fixtures.tensors("preproc.safetensors")
        let volume = try #require(tensors["in/vol"])
        let expected = try #require(tensors["out/area_\(to[0])_\(to[1])_\(to[2])"])
        for c in 0..<4 {
            let found = AreaResize.resize(channel(volume, c), dims: [19, 26, 13], to: to)
            // Values reach 1600: MONAI's own float32 sums are up to 8.2e-5 from the exact averages.
            #expect(furthest(found, channel(expected, c)) <= 1.5e-4)
        }
    }

    @Test func theTwoLamimRecipesAreMonais() throws {
        let tensors = try Fixtures.tensors("preproc.safetensors")
        let contrasts = images(try #require(tensors["in/vol"]))
        for (name, key) in [
            (Recipe.Name.lamimPretrain, "out/seed_pretrain_area16_then_channel"),
            (.lamimFinetune, "out/seed_finetune_global_then_area16"),
        ] {
            let recipe = Recipe(name: name, size: 16, unstripped: true)
            let prepared = try Preparation.prepare(contrasts: contrasts, brain: nil, recipe: recipe)
            let expected = try #require(tensors[key])
            // The third channel of the golden volume is constant: absent here, so 0 in both recipes, where MONAI's global
            // scaling leaves a constant.
            #expect(prepared.present == [true, true, false, true])
            for c in [0, 1, 3] {
                let part = c * 4096..<(c + 1) * 4096
                #expect(furthest(Array(prepared.voxels[part]), Array(expected.values[part])) <= 5e-7, "\(name) \(c)")
            }
            #expect(prepared.voxels[8192..<12288].allSatisfy { $0 == 0 })
        }
    }
}
