/// Several tests at once.
package enum Holm {
    /// Step-down adjusted p values (Holm, Scandinavian Journal of Statistics 6, 1979): those below the level are
    /// significant together, whatever goes with what.
    /// - Parameter p: 0…1 each.
    /// - Returns: in the same order.
    package static func adjusted(_ p: [Double]) -> [Double] {
        var adjusted = p
        var largest = 0.0
        for (place, index) in p.indices.sorted(by: { p[$0] < p[$1] }).enumerated() {
            largest = max(largest, min(1, Double(p.count - place) * p[index]))
            adjusted[index] = largest
        }
        return adjusted
    }

    /// The same where some were not tested: these count for nothing and stay nil.
    package static func adjusted(_ p: [Double?]) -> [Double?] {
        let tested = p.indices.filter { p[$0] != nil }
        var found = p
        for (index, value) in zip(tested, adjusted(p.compactMap { $0 })) { found[index] = value }
        return found
    }
}
