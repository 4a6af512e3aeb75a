import Glibc

/// McNemar's test of two classifiers on the same cases, exact (binomial).
package struct McNemar: Sendable, Equatable {
    /// Cases the first called right and the second wrong.
    package let firstOnly: Int
    /// Cases the second called right and the first wrong.
    package let secondOnly: Int

    package init(firstOnly: Int, secondOnly: Int) {
        precondition(firstOnly >= 0 && secondOnly >= 0, "counts are not negative")
        self.firstOnly = firstOnly
        self.secondOnly = secondOnly
    }

    /// - Parameters:
    ///   - first: whether the first called each case right.
    ///   - second: the same of the second.
    package init(first: [Bool], second: [Bool]) {
        precondition(first.count == second.count, "both classifiers see the same cases")
        self.init(
            firstOnly: zip(first, second).count { $0 && !$1 }, secondOnly: zip(first, second).count { !$0 && $1 })
    }

    /// The two-sided probability of a split at least this uneven if both were equally good; 1 when they never differ.
    package var p: Double {
        let total = firstOnly + secondOnly
        let smaller = min(firstOnly, secondOnly)
        let n = Double(total)
        var sum = 0.0
        for k in 0...smaller {
            let k = Double(k)
            sum += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2))
        }
        return min(1, 2 * sum)
    }
}
