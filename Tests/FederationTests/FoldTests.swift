import Cryptography
import Federation
import Foundation
import Testing
import Weights

@Suite struct FoldTests {
    private func inputs(
        _ folder: UpdateFolder, _ weights: [Int], encoding: UpdateEncoding = .f32, factors: [Double] = []
    ) throws -> [Fold.Input] {
        try weights.enumerated().map { index, weight in
            let path = try folder.update("update-\(index)", seed: index + 1, encoding: encoding).path
            let factor = factors.indices.contains(index) ? factors[index] : 1
            return Fold.Input(site: "site-\(index)", path: path, weight: weight, factor: factor)
        }
    }

    /// Σ wᵢ·δᵢ / Σ nᵢ + base, tensor by tensor in plain loops.
    private func expected(_ folder: UpdateFolder, _ inputs: [Fold.Input], _ name: String) throws -> [Double] {
        let base = try folder.base.floats(name).map(Double.init)
        let total = Double(inputs.reduce(0) { $0 + $1.weight })
        let deltas = try inputs.map { try SafetensorsFile($0.path).floats(name).map(Double.init) }
        return base.indices.map { i in
            base[i] + zip(inputs, deltas).reduce(0) { $0 + Double($1.0.weight) * $1.0.factor * $1.1[i] } / total
        }
    }

    @Test("the fold equals a plain sum in double within a float's rounding", arguments: UpdateEncoding.allCases)
    func reference(_ encoding: UpdateEncoding) throws {
        let folder = try UpdateFolder()
        let inputs = try inputs(folder, [120, 7, 3000, 41], encoding: encoding, factors: [1, 0.37, 1, 0.9])
        let fold = try Fold(base: folder.file("base"), updates: inputs, layout: folder.layout, encoding: encoding)
        let result = try fold.write(to: folder.file("next"))
        #expect(result.model.digest == SHA256.hex(ofFile: folder.file("next")))
        let next = try SafetensorsFile(folder.file("next"))
        #expect(next.fileBytes == result.model.bytes)
        for entry in try folder.layout.entries {
            for (found, right) in zip(try next.floats(entry.name), try expected(folder, inputs, entry.name)) {
                #expect(abs(Double(found) - right) <= 1e-6 * max(abs(right), 1e-3))
            }
        }
    }

    @Test("a hundred orders of arrival on one to five threads give one digest")
    func orders() throws {
        let folder = try UpdateFolder()
        // Large updates that nearly cancel: sums in another order would differ in a float's first digits.
        let sizes: [(seed: Int, scale: Float)] = [(1, 0.01), (2, 1e12), (3, 0.01), (2, -1e12), (4, 1e12), (4, -1e12)]
        let inputs = try zip([3, 1000, 57, 1000, 9, 9], sizes).enumerated().map { index, update in
            let file = try folder.update("update-\(index)", seed: update.1.seed, scale: update.1.scale)
            return Fold.Input(
                site: "site-\(index)", path: file.path, weight: update.0, factor: index == 2 ? 0.123 : 1)
        }
        var random = SplitMix(state: 3)
        var digests: Set<String> = []
        for turn in 0..<100 {
            let fold = try Fold(
                base: folder.file("base"), updates: inputs.shuffled(using: &random), layout: folder.layout,
                encoding: .f32)
            digests.insert(try fold.write(to: folder.file("next"), threads: 1 + turn % 5).model.digest)
        }
        #expect(digests.count == 1)
    }

    @Test("what is not trained is copied, in the base's order and with its texts")
    func copies() throws {
        let folder = try UpdateFolder()
        let fold = try Fold(
            base: folder.file("base"), updates: try inputs(folder, [1, 2]), layout: folder.layout, encoding: .f32)
        _ = try fold.write(to: folder.file("next"))
        let (base, next) = (try folder.base, try SafetensorsFile(folder.file("next")))
        #expect(next.tensors == base.tensors && next.metadata == base.metadata)
        for name in ["frozen.count", "norm.weight"] {
            try base.withMapped(name) { old in try next.withMapped(name) { #expect($0.elementsEqual(old)) } }
        }
        #expect(try next.floats("FC.weight") != base.floats("FC.weight"))
    }

    @Test("site i adding half of 1 + i ends where the closed form says")
    func echo() throws {
        let folder = try UpdateFolder()
        let inputs = try (0..<3).map { site in
            let written = try DeltaWriter.write(
                to: folder.file("echo-\(site)"), base: folder.base, layout: folder.layout, encoding: .f32
            ) { name, offset, values in
                try folder.base.read(name, into: values, offset: offset)
                for i in values.indices { values[i] += 0.5 * Float(1 + site) }
            }
            #expect(written.norms.count == (try folder.layout.entries.count))
            return Fold.Input(site: "site-\(site)", path: folder.file("echo-\(site)"), weight: 1)
        }
        let fold = try Fold(base: folder.file("base"), updates: inputs, layout: folder.layout, encoding: .f32)
        _ = try fold.write(to: folder.file("next"))
        let pairs = zip(
            try folder.base.floats("FC.weight"), try SafetensorsFile(folder.file("next")).floats("FC.weight"))
        for (old, new) in pairs { #expect(abs(new - old - 1) <= 1e-6) }
    }

    @Test("files that do not belong together are refused, and nothing appears")
    func refusals() throws {
        let folder = try UpdateFolder()
        let good = try inputs(folder, [1, 2])
        func refuses(_ updates: [Fold.Input], _ words: String, encoding: UpdateEncoding = .f32) throws {
            let error = #expect(throws: FoldError.self) {
                let fold = try Fold(
                    base: folder.file("base"), updates: updates, layout: try folder.layout, encoding: encoding)
                _ = try fold.write(to: folder.file("never"))
            }
            #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
            #expect(!FileManager.default.fileExists(atPath: folder.file("never")))
        }
        try refuses([], "no update")
        try refuses(good + [good[0]], "twice")
        try refuses([.init(site: "a", path: good[0].path, weight: 0)], "weight")
        try refuses([.init(site: "a", path: good[0].path, weight: 1 << 29)], "weight")
        try refuses([.init(site: "a", path: good[0].path, weight: 1, factor: .nan)], "factor")
        try refuses([.init(site: "a", path: folder.file("absent"), weight: 1)], "cannot be opened")
        try refuses(good, "BF16", encoding: .bf16)
        let huge = try folder.update("huge", seed: 1, scale: 3.4e38).path
        try refuses(
            [.init(site: "a", path: huge, weight: 1), .init(site: "b", path: try doubled(folder, huge), weight: 1)],
            "not finite")
    }

    /// The base itself at the edge of what a float holds would be needed; a base of large numbers does it.
    private func doubled(_ folder: UpdateFolder, _ path: String) throws -> String {
        var writer = try SafetensorsWriter(folder.file("base"), entries: UpdateFolder.tensors)
        for entry in UpdateFolder.tensors {
            let count = entry.shape.reduce(1, *)
            if entry.type == .float32 {
                try writer.append([Float](repeating: 3.4e38, count: count))
            } else {
                try [Int64](repeating: 5, count: count).withUnsafeBytes { try writer.append($0) }
            }
        }
        _ = try writer.finish()
        try FileManager.default.copyItem(atPath: path, toPath: folder.file("twin"))
        return folder.file("twin")
    }
}
