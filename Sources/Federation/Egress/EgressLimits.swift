/// The least numbers of cases behind what leaves a site. A site's policy may raise them, nothing may lower them.
package struct EgressLimits: Sendable, Equatable {
    /// Training cases behind an update, select cases behind a report.
    package var leastCases: Int
    /// Cases of each class behind score histograms.
    package var leastCasesPerClass: Int
    /// Cases in each bin of a score histogram.
    package var leastCasesPerBin: Int

    package static let standard = EgressLimits(leastCases: 10, leastCasesPerClass: 20, leastCasesPerBin: 10)

    private init(leastCases: Int, leastCasesPerClass: Int, leastCasesPerBin: Int) {
        self.leastCases = leastCases
        self.leastCasesPerClass = leastCasesPerClass
        self.leastCasesPerBin = leastCasesPerBin
    }

    /// The standard limits, raised where the site asks for more.
    package func raised(
        leastCases: Int = 0, leastCasesPerClass: Int = 0, leastCasesPerBin: Int = 0
    ) -> EgressLimits {
        EgressLimits(
            leastCases: max(self.leastCases, leastCases),
            leastCasesPerClass: max(self.leastCasesPerClass, leastCasesPerClass),
            leastCasesPerBin: max(self.leastCasesPerBin, leastCasesPerBin))
    }
}
