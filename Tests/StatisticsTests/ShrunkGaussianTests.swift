import Foundation
import Statistics
import Testing

/// Against NumPy and SciPy (Tests/Fixtures/statistics/make_familiarity.py).
@Suite struct ShrunkGaussianTests {
    struct Case: Decodable {
        struct New: Decodable {
            var x: [Double]
            var known: [Int]
            var all, part: Double
        }
        var data: [[Double]]
        var shrinkage: Double
        var correlation: [Double]
        var new: [New]
    }

    private func read<Value: Decodable>(_ name: String) throws -> [Value] {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/statistics/\(name).json")
        return try JSONDecoder().decode([Value].self, from: Data(contentsOf: path))
    }

    private func cases() throws -> [Case] { try read("familiarity") }

    @Test("correlations and probabilities are those of NumPy and SciPy, also where values are missing")
    func golden() throws {
        for one in try cases() {
            var sums = MomentSums(dimensions: one.data[0].count)
            for row in one.data { sums.add(row) }
            let fitted = try #require(ShrunkGaussian(sums))
            #expect(abs(fitted.shrinkage - one.shrinkage) < 1e-9)
            for (a, b) in zip(fitted.correlation, one.correlation) { #expect(abs(a - b) < 1e-9) }
            for new in one.new {
                #expect(abs(fitted.probability(new.x.map { $0 }) - new.all) < 1e-7 * max(new.all, 1e-3))
                let part = new.x.indices.map { new.known.contains($0) ? new.x[$0] : nil }
                #expect(abs(fitted.probability(part) - new.part) < 1e-7 * max(new.part, 1e-3))
            }
        }
    }

    @Test("sums of sites add up to those of all their cases")
    func sites() throws {
        let data = try cases()[1].data
        var all = MomentSums(dimensions: 16)
        var (one, other) = (all, all)
        for (i, row) in data.enumerated() {
            all.add(row)
            if i < 50 { one.add(row) } else { other.add(row) }
        }
        one.add(other)
        #expect(one.count == all.count && one.isWhole)
        for (a, b) in zip(one.products, all.products) { #expect(abs(a - b) <= 1e-9 * abs(b)) }
    }

    @Test("what a value varies at another site is one-way random effects by SciPy's analysis of variance, widened")
    func otherSites() throws {
        struct Case: Decodable { var sites: [[[Double]]], deviations: [Double] }
        for one in try read("site_deviations") as [Case] {
            let sites = one.sites.map { rows in
                var sums = MomentSums(dimensions: 2)
                for row in rows { sums.add(row) }
                return sums
            }
            let found = try #require(MomentSums.deviations(atAnother: sites + [MomentSums(dimensions: 2)]))
            for (a, b) in zip(found, one.deviations) { #expect(abs(a - b) < 1e-9 * b) }
            #expect(MomentSums.deviations(atAnother: [sites[0]]) == nil)
        }
    }

    @Test("too few cases and a value that never changes are no distribution; what is no number is far from any")
    func limits() throws {
        var sums = MomentSums(dimensions: 2)
        for i in 0..<19 { sums.add([Double(i), Double(i * i % 7)]) }
        #expect(ShrunkGaussian(sums) == nil)
        sums.add([3, 4])
        let fitted = try #require(ShrunkGaussian(sums))
        #expect(fitted.probability([nil, nil]) == 1 && fitted.probability([.nan, nil]) == 0)
        var constant = MomentSums(dimensions: 1)
        for _ in 0..<20 { constant.add([0.1]) }
        #expect(ShrunkGaussian(constant) == nil)
        #expect(!MomentSums(dimensions: 2).isWhole)
    }
}
