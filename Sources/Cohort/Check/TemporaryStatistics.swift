import Foundation

struct LogisticRegression {
    var weights: [Double]
    init(features: [[Double]], truth: [Bool]) {
        let d = (features.first?.count ?? 0) + 1
        var w = [Double](repeating: 0, count: d)
        for _ in 0..<30 {
            var g = w.enumerated().map { $0.offset == d - 1 ? 0 : -$0.element }
            var h = [[Double]](repeating: [Double](repeating: 0, count: d), count: d)
            for i in 0..<d { h[i][i] = i == d - 1 ? 1e-6 : 1 }
            for (x0, t) in zip(features, truth) {
                let x = x0 + [1]
                let z = zip(x, w).reduce(0) { $0 + $1.0 * $1.1 }
                let p = 1 / (1 + exp(-z))
                let r = (t ? 1 : 0) - p
                for i in 0..<d { g[i] += r * x[i]; for j in 0..<d { h[i][j] += p * (1 - p) * x[i] * x[j] } }
            }
            // solve
            var a = h, b = g
            for i in 0..<d {
                let p = (i..<d).max { abs(a[$0][i]) < abs(a[$1][i]) } ?? i
                a.swapAt(i, p); b.swapAt(i, p)
                for r in i + 1..<max(d, i + 1) {
                    let f = a[r][i] / a[i][i]; for c in i..<d { a[r][c] -= f * a[i][c] }; b[r] -= f * b[i]
                }
            }
            for i in stride(from: d - 1, through: 0, by: -1) {
                for c in i + 1..<max(d, i + 1) { b[i] -= a[i][c] * b[c] }
                b[i] /= a[i][i]
            }
            for i in 0..<d { w[i] += b[i] }
        }
        weights = w
    }
    func probability(_ x: [Double]) -> Double {
        1 / (1 + exp(-zip(x + [1], weights).reduce(0) { $0 + $1.0 * $1.1 }))
    }
}

struct DeLong {
    var auc = 0.0, lower = 0.0, upper = 0.0
    init(scores: [Double], truth: [Bool]) {
        let p = zip(scores, truth).filter { $0.1 }.map { $0.0 }, n = zip(scores, truth).filter { !$0.1 }.map { $0.0 }
        func psi(_ a: Double, _ b: Double) -> Double { a > b ? 1 : a == b ? 0.5 : 0 }
        let v10 = p.map { a in n.reduce(0) { $0 + psi(a, $1) } / Double(n.count) }
        let v01 = n.map { b in p.reduce(0) { $0 + psi($1, b) } / Double(p.count) }
        auc = v10.reduce(0, +) / Double(p.count)
        let s10 = v10.reduce(0) { $0 + ($1 - auc) * ($1 - auc) } / Double(max(1, p.count - 1))
        let s01 = v01.reduce(0) { $0 + ($1 - auc) * ($1 - auc) } / Double(max(1, n.count - 1))
        let se = (s10 / Double(p.count) + s01 / Double(n.count)).squareRoot()
        lower = max(0, auc - 1.96 * se); upper = min(1, auc + 1.96 * se)
    }
}
