import Foundation
import Imaging
import Testing

@Suite struct PictureTests {
    @Test func aPNGSaysItsSizeAndTheSamePixelsGiveTheSameBytes() throws {
        let pixels = (0..<40 * 30 * 3).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let bytes = try PNG.encode(pixels, as: .rgb, width: 40, height: 30)
        #expect(Array(bytes[0..<8]) == [137, 80, 78, 71, 13, 10, 26, 10])
        #expect(Array(bytes[16..<24]) == [0, 0, 0, 40, 0, 0, 0, 30])
        #expect(bytes[25] == 2)
        #expect(try PNG.encode(pixels, as: .rgb, width: 40, height: 30) == bytes)
        let gray = try PNG.encode(Array(pixels[..<1200]), as: .gray, width: 40, height: 30)
        #expect(gray[25] == 0)
        #expect(throws: ImagingError.self) { try PNG.encode(pixels, as: .gray, width: 40, height: 30) }
    }

    @Test func aPictureThatCannotBeWrittenLeavesTheOldOneAndNamesTheFile() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("consilium-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("a.png").path
        try PNG.write([0, 255], as: .gray, width: 2, height: 1, to: path)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.png"])
        let bad = folder.appendingPathComponent("none/b.png").path
        do {
            try PNG.write([0, 255], as: .gray, width: 2, height: 1, to: bad)
            Issue.record("written into a folder that does not exist")
        } catch {
            #expect("\(error)".contains(bad))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.png"])
    }

    /// A cube that is bright only towards the patient's right, front and head.
    private func corner(_ letters: String) throws -> PreparedVolume {
        let image = Phantom.image(
            dims: [40, 40, 40], affine: Phantom.centred([40, 40, 40], spacing: [3, 3, 3])
        ) { x, y, z in
            let inside = x * x + y * y + z * z < 50 * 50
            return inside ? (x > 0 && y > 0 && z > 0 ? 1000 : 100) : 0
        }
        return try Preparation.prepare(
            contrasts: [.t1w: image.oriented(as: .ras)], brain: nil,
            recipe: Recipe(size: 32, orientation: letters, percentiles: [0, 100]))
    }

    @Test(arguments: ["RAS", "LPS", "PIR", "SAL"]) func rightIsOnTheLeftAndTheHeadIsUp(letters: String) throws {
        let volume = try corner(letters)
        let sheet = ContactSheet(of: volume, slices: 1)
        // One row; three tiles of 96 pixels at the right end, each 98 wide.
        func bright(_ tile: Int, _ x: Int, _ y: Int) -> Int {
            let at = (y * sheet.width + sheet.width - (3 - tile) * 98 + x) * 3
            return Int(sheet.pixels[at])
        }
        // With one slice a plane it is the middle one, just on the R, A, S side.
        #expect(bright(0, 36, 36) > 150 && bright(0, 60, 36) < 100 && bright(0, 36, 60) < 100)
        #expect(bright(1, 36, 36) > 150 && bright(1, 60, 36) < 100 && bright(1, 36, 60) < 100)
        #expect(bright(2, 36, 36) > 150 && bright(2, 60, 36) < 100 && bright(2, 36, 60) < 100)
    }

    @Test func whatIsNotANumberIsDrawnBlack() throws {
        var volume = try corner("RAS")
        let plain = ContactSheet(of: volume, slices: 1)
        for (index, value) in [Float.nan, -.infinity, -3, .infinity, 1e30].enumerated() {
            for place in stride(from: index, to: volume.voxels.count, by: 5) { volume.voxels[place] = value }
        }
        let broken = ContactSheet(of: volume, slices: 1)
        #expect(broken.pixels.count == plain.pixels.count)
        #expect(broken.pixels.contains(0) && broken.pixels.contains(255))
    }

    @Test func aMaskIsDrawnAsAnOutline() throws {
        let volume = try corner("RAS")
        var mask = [UInt8](repeating: 0, count: 32 * 32 * 32)
        for x in 10..<20 { for y in 10..<20 { for z in 10..<20 { mask[(x * 32 + y) * 32 + z] = 1 } } }
        let plain = ContactSheet(of: volume, slices: 1)
        let outlined = ContactSheet(of: volume, slices: 1, mask: mask)
        func red(_ sheet: ContactSheet) -> Int {
            (0..<sheet.width * sheet.height).filter { Array(sheet.pixels[$0 * 3..<$0 * 3 + 3]) == [255, 64, 64] }.count
        }
        // The rim of 10 × 10 voxels, three pixels each, in three planes.
        #expect(red(plain) == 0)
        #expect(red(outlined) == 36 * 9 * 3)
    }
}
