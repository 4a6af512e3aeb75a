/// What one model says of the cases that all models are compared on, and of those its threshold is chosen on.
package struct ModelScores: Sendable {
    package var name: String
    /// SHA-256 of the model's file.
    package var digest: String
    /// Probability of the positive class, one a case.
    package var probabilities: [Double]
    /// For each case one a class.
    package var logits: [[Double]]
    /// The same of the cases for choosing; empty where there are none.
    package var choosing: [Double]
    package var choosingLogits: [[Double]]

    package init(
        name: String, digest: String, probabilities: [Double], logits: [[Double]], choosing: [Double] = [],
        choosingLogits: [[Double]] = []
    ) {
        self.name = name
        self.digest = digest
        self.probabilities = probabilities
        self.logits = logits
        self.choosing = choosing
        self.choosingLogits = choosingLogits
    }
}

/// The cases that models are compared on.
package struct ComparedCases: Sendable {
    package var ids: [String]
    /// Whose case it is: those of one patient count together.
    package var patients: [String]
    /// Where it is from.
    package var sites: [String]
    /// The class of each case.
    package var labels: [Int]
    package var classes: [String]
    /// Index of the positive class.
    package var positive: Int
    /// The class of each case for choosing.
    package var choosingLabels: [Int]

    package init(
        ids: [String], patients: [String], sites: [String], labels: [Int], classes: [String], positive: Int,
        choosingLabels: [Int] = []
    ) {
        self.ids = ids
        self.patients = patients
        self.sites = sites
        self.labels = labels
        self.classes = classes
        self.positive = positive
        self.choosingLabels = choosingLabels
    }

    /// - Throws: ``OperatorError`` when the positive cases or the others are missing.
    package func requireBothClasses() throws(OperatorError) {
        guard Set(isPositive).count == 2 else {
            throw OperatorError(
                "all \(labels.count) cases are of one class: nothing can be told apart; give cases of both")
        }
    }

    var isPositive: [Bool] { labels.map { $0 == positive } }
    var siteNames: [String] { Set(sites).sorted() }
}
