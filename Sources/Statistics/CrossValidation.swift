/// Predictions of models fitted without the case's own patient.
package enum CrossValidation {
    /// Predicts every case from a model fitted without its group, so that no patient is in both.
    /// - Parameters:
    ///   - features: a row a case, all of one length, finite.
    ///   - labels: true for a positive case.
    ///   - groups: the patient of each case.
    ///   - folds: at least two; never more than there are groups.
    ///   - fit: from features and labels what scores a row; nil where there is no model.
    /// - Returns: a score a case; nil where one of the models cannot be fitted.
    package static func scores(
        features: [[Double]], labels: [Bool], groups: [String], folds: Int = 5,
        fit: ([[Double]], [Bool]) -> (([Double]) -> Double)?
    ) -> [Double]? {
        precondition(features.count == labels.count && groups.count == labels.count && folds >= 2, "a group a case")
        let fold = assignFolds(labels: labels, groups: groups, folds: folds)
        var scores = [Double](repeating: 0, count: labels.count)
        for number in Set(fold).sorted() {
            let kept = fold.indices.filter { fold[$0] != number }
            guard let score = fit(kept.map { features[$0] }, kept.map { labels[$0] }) else { return nil }
            for index in fold.indices where fold[index] == number { scores[index] = score(features[index]) }
        }
        return scores
    }

    /// The fold of each case, all cases of a group in one.
    ///
    /// Groups are dealt to folds one by one, those with positive cases first, each to the fold with the fewest cases of
    /// their kind: folds do not depend on anything but the order of the cases.
    package static func assignFolds(labels: [Bool], groups: [String], folds: Int) -> [Int] {
        precondition(groups.count == labels.count && folds >= 1, "a group a case")
        var order: [String] = []
        var counts: [String: (positive: Int, negative: Int)] = [:]
        for (group, label) in zip(groups, labels) {
            if counts[group] == nil { order.append(group) }
            counts[group, default: (0, 0)].positive += label ? 1 : 0
            counts[group, default: (0, 0)].negative += label ? 0 : 1
        }
        var totals = [(positive: Int, negative: Int)](repeating: (0, 0), count: folds)
        var foldOf: [String: Int] = [:]
        for takesPositive in [true, false] {
            for group in order {
                guard let count = counts[group], (count.positive > 0) == takesPositive else { continue }
                let best = totals.indices.min { one, other in
                    let sizes = (
                        totals[one].positive + totals[one].negative, totals[other].positive + totals[other].negative
                    )
                    return takesPositive
                        ? (totals[one].positive, sizes.0, one) < (totals[other].positive, sizes.1, other)
                        : (totals[one].negative, sizes.0, one) < (totals[other].negative, sizes.1, other)
                }
                foldOf[group] = best ?? 0
                totals[best ?? 0].positive += count.positive
                totals[best ?? 0].negative += count.negative
            }
        }
        return groups.map { foldOf[$0] ?? 0 }
    }
}
