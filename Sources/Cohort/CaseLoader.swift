package import Imaging

/// Gives training and inference the prepared cases of one recipe, from the cache where there is one.
///
/// Safe to use from several threads at once: each call works on its own case.
package struct CaseLoader: Sendable {
    package let recipe: Recipe
    /// Nil for always preparing anew.
    package let cache: PreparedCache?
    /// At most so many threads for one case; the result does not depend on it.
    package let threads: Int

    package init(recipe: Recipe, cache: PreparedCache?, threads: Int = Preparation.defaultThreads) {
        self.recipe = recipe
        self.cache = cache
        self.threads = threads
    }

    /// A case as the encoder takes it.
    /// - Throws: ``CohortError`` with one sentence naming the case, and the file where one is at fault.
    package func prepared(_ record: CaseRecord) throws -> PreparedVolume {
        guard !record.paths.contrasts.isEmpty || record.paths.volume != nil else {
            throw CohortError(
                .badCase, "\(record.name) names no scan: give at least one of T1w, T1c, T2w, FLAIR, or a volume.")
        }
        do {
            guard let cache else { return try prepare(record) }
            return try cache.volume(paths: record.paths, recipe: recipe) { try prepare(record) }
        } catch {
            let reason = "\(error)"
            throw CohortError(.badCase, "\(record.name): \(reason)\(reason.hasSuffix(".") ? "" : ".")")
        }
    }

    private func prepare(_ record: CaseRecord) throws -> PreparedVolume {
        try Preparation.prepare(paths: record.paths, recipe: recipe, threads: threads)
    }
}
