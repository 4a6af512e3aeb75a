import CAggregation
import Weights

/// Makes the next model from a base and the updates that take part: base + Σ wᵢ·δᵢ / Σ nᵢ.
///
/// All updates are read in lockstep, piece by piece. Sums are taken in double in order of site, products and sums rounded
/// one by one, with one division at the end: the same updates give the same bytes in any order of arrival, with any
/// number of threads, on every processor. Without clipping every product is exact, since wᵢ = nᵢ is a whole number below
/// 2²⁹ and a delta has 24 bits; a clipped update counts wᵢ = nᵢ·factor, and its nᵢ stays in the divisor, so that what is
/// taken from it is not given to the others.
///
/// Memory is a few hundred kilobytes a thread, 64 KiB an update, and two batches of 8 MiB, whatever the model's size. A
/// replay is the same call with another path, and the same digest.
package struct Fold: Sendable {
    /// An update that takes part.
    package struct Input: Sendable, Equatable {
        package var site: String
        /// Its verified file.
        package var path: String
        /// nᵢ, 1 ..< 2^29.
        package var weight: Int
        /// Above 0 and at most 1; 1 unless clipped.
        package var factor: Double

        package init(site: String, path: String, weight: Int, factor: Double = 1) {
            self.site = site
            self.path = path
            self.weight = weight
            self.factor = factor
        }
    }

    /// The model that was made.
    package struct Result: Sendable, Equatable {
        package let model: ObjectReference
        package init(model: ObjectReference) { self.model = model }
    }

    let base: SafetensorsFile
    let layout: UpdateLayout
    let encoding: UpdateEncoding
    /// In order of site.
    let updates: [SafetensorsFile]
    let weights: [Double]
    let total: Double
    let level: ca_level

    /// Opens the files and checks that they belong together.
    /// - Parameters:
    ///   - base: the round's base model.
    ///   - updates: at least one, at most one a site, in any order.
    ///   - layout: made from the same base.
    ///   - encoding: the plan's.
    /// - Throws: `FoldError` naming the file and what is wrong with it.
    package init(
        base: String, updates: [Input], layout: UpdateLayout, encoding: UpdateEncoding
    ) throws(FoldError) {
        try self.init(base: base, updates: updates, layout: layout, encoding: encoding, level: ca_best_level())
    }

    init(
        base path: String, updates inputs: [Input], layout: UpdateLayout, encoding: UpdateEncoding, level: ca_level
    ) throws(FoldError) {
        let ordered = inputs.sorted { $0.site.utf8.lexicographicallyPrecedes($1.site.utf8) }
        guard !ordered.isEmpty else { throw FoldError(.mismatch, "There is no update to fold; wait for one.") }
        guard Set(ordered.map(\.site)).count == ordered.count else {
            throw FoldError(.mismatch, "A site's update would count twice in the fold; give one update a site.")
        }
        for input in ordered
        where !(1..<WeightedMean.weightLimit).contains(input.weight) || !(input.factor > 0 && input.factor <= 1) {
            throw FoldError(
                .mismatch,
                "The update of \(input.site) has the weight \(input.weight) and the factor \(input.factor);"
                    + " weights are 1 to 2^29 − 1 and factors above 0 up to 1.")
        }
        do throws(WeightsError) {
            base = try SafetensorsFile(path)
            var files: [SafetensorsFile] = []
            for input in ordered { files.append(try SafetensorsFile(input.path)) }
            updates = files
        } catch { throw FoldError(error) }
        for (file, input) in zip(updates, ordered) {
            do throws(Problem) { try layout.check(file.header, encoding: encoding) } catch {
                throw FoldError(
                    .mismatch, "\(file.path), the update of \(input.site), cannot be folded: \(error.message)")
            }
        }
        for entry in layout.entries where base.tensor(entry.name)?.shape != entry.shape {
            throw FoldError(
                .mismatch, "\(path) has no tensor \(entry.name) of the updates' shape; give the round's base.")
        }
        self.layout = layout
        self.encoding = encoding
        self.level = level
        weights = ordered.map { Double($0.weight) * $0.factor }
        total = Double(ordered.reduce(0) { $0 + $1.weight })
    }

    /// Folds into a new file: the base's tensors in their order with its metadata; what is not trained is copied.
    /// - Parameters:
    ///   - path: where the model appears, complete and durable.
    ///   - threads: 1…64; the bytes do not depend on it.
    /// - Throws: `FoldError`; the path is then as it was.
    package func write(to path: String, threads: Int = 2) throws(FoldError) -> Result {
        do {
            var writer = try SafetensorsWriter(
                path, entries: base.tensors.map { .init($0.name, $0.type, $0.shape) }, metadata: base.metadata)
            try stream(threads: threads) { bytes in try writer.append(bytes) }
            let digest = try writer.finish()
            return Result(model: ObjectReference(digest: digest, bytes: try SafetensorsFile(path).fileBytes))
        } catch let error as FoldError {
            throw error
        } catch let error as WeightsError {
            throw FoldError(error)
        } catch {
            throw FoldError(.cannotRead, "\(path) cannot be made: \(error)")
        }
    }

    /// Hands over the bytes of the model's tensors in order, without writing them.
    /// - Throws: `FoldError`, `WeightsError`, or what `body` throws.
    package func stream(threads: Int = 2, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        try FoldPass(self, threads: max(1, min(threads, 64))).run(body)
    }
}
