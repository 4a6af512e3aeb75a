import Testing

import NIfTI

/// Where voxel axes point, from the affine alone.
struct OrientationTests {
    /// The 48 ways to lay three patient axes along three voxel axes, as letters.
    static let codes: [String] = {
        let orders = [
            ["RL", "AP", "SI"], ["RL", "SI", "AP"], ["AP", "RL", "SI"], ["AP", "SI", "RL"], ["SI", "RL", "AP"],
            ["SI", "AP", "RL"],
        ]
        return orders.flatMap { order in
            (0..<8).map { signs in
                String(order.enumerated().map { Array($0.element)[signs >> $0.offset & 1] })
            }
        }
    }()

    /// An affine whose voxel axes point as the letters say, edges 1, 2 and 3 mm.
    static func affine(_ code: String) -> Affine {
        var rows = [[0.0, 0, 0, 5], [0, 0, 0, 6], [0, 0, 0, 7]]
        for (column, letter) in code.enumerated() {
            let world = "RL".contains(letter) ? 0 : "AP".contains(letter) ? 1 : 2
            rows[world][column] = Double(column + 1) * ("RAS".contains(letter) ? 1 : -1)
        }
        return Affine(rows: rows)
    }

    @Test("All 48 storage orders are named", arguments: codes)
    func namesOrders(_ code: String) {
        let affine = Self.affine(code)
        #expect(affine.orientation == code)
        #expect(affine.spacing == [1, 2, 3])
        #expect(affine.determinant.magnitude == 6)
        #expect(affine.obliqueness == 0)
    }

    @Test("There are 48 of them")
    func areAll() { #expect(Set(Self.codes).count == 48) }

    @Test("An oblique is named by its nearest axes, and its angle is that of the farthest")
    func namesObliques() {
        let (c, s) = (0.9063077870366499, 0.42261826174069944)  // 25°
        let turned = Affine(rows: [[2 * c, -2 * s, 0, 0], [2 * s, 2 * c, 0, 0], [0, 0, -5, 0]])
        #expect(turned.orientation == "RAI")
        #expect((turned.obliqueness - 25).magnitude < 1e-9)
    }

    @Test("qform and sform of the same placement give the same affine, mirrored or not")
    func formsAgree() throws {
        for qfac in [1.0, -1] {
            var file = ForgedFile()
            // A turn of 90° about the first axis: b = sin 45°.
            (file.qformCode, file.quaternion, file.qoffset) = (1, [0.7071067690849304, 0, 0], [-10, 20, 30])
            file.pixdim = [qfac, 1, 2, 3, 0, 0, 0, 0]
            file.srow = [1, 0, 0, -10, 0, 0, -3 * qfac, 20, 0, 2, 0, 30]
            let both = try NIfTIGate.header(of: file.bytes)
            file.sformCode = 0
            let only = try NIfTIGate.header(of: file.bytes)
            #expect((both.affineSource, only.affineSource) == (.sform, .qform))
            #expect(both.warnings == [])
            #expect(only.affine.orientation == (qfac > 0 ? "RSP" : "RSA"))
            for (a, b) in zip(both.affine.rows.joined(), only.affine.rows.joined()) {
                #expect((a - b).magnitude < 1e-6)
            }
        }
    }
}
