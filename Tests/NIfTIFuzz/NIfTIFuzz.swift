import Glibc

// The libFuzzer target of header gate and reader; `make fuzz` compiles it together with the NIfTI module's own sources.
// Besides traps and sanitizer reports it looks for three broken promises, and traps where it finds one.

/// Writes the seeds into the folder that `NIFTI_FUZZ_SEEDS` names, before libFuzzer reads its corpus.
@_cdecl("LLVMFuzzerInitialize")
public func initializeFuzzer(_ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    if let folder = getenv("NIFTI_FUZZ_SEEDS") { FuzzSeeds.write(to: String(cString: folder)) }
    return 0
}

/// One input: a whole file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let file = Array(UnsafeBufferPointer(start: start, count: count))
    _ = try? NIfTIGate.header(of: file)
    let image = try? NIfTIFile.content(of: file).image()
    if let image {
        checkItsNumbers(image, of: file)
        checkWrittenAgain(image)
    }
    if !file.starts(with: [0x1f, 0x8b]) { checkWrapped(file, image) }
    return 0
}

/// An accepted file has as many voxels as its header says, and looking at it piece by piece finds the same.
private func checkItsNumbers(_ image: NIfTIImage, of file: [UInt8]) {
    let header = image.header
    precondition(image.voxels.count == header.dims.reduce(1, *), "a voxel for each place")
    precondition(header.dims.allSatisfy { 1...2048 ~= $0 } && 3...4 ~= header.dims.count, "sizes within the limits")
    precondition(header.affine.rows.joined().allSatisfy(\.isFinite), "a finite affine")
    let surveyed = try? NIfTIFile.content(of: file).surveyed()
    precondition(surveyed == header, "the same warnings by either way")
}

/// What was accepted can be written and reads the same.
private func checkWrittenAgain(_ image: NIfTIImage) {
    let written: [UInt8]
    do {
        written = try NIfTIFile.encode(
            voxels: image.voxels, dims: image.header.dims, affine: image.header.affine, datatype: .float32)
    } catch {
        // A limit of the affine can be crossed by rounding it to 32 bits; nothing else may be refused.
        precondition(error.code == .affine, "an accepted image can be written")
        return
    }
    guard let again = try? NIfTIFile.content(of: written).floats() else { fatalError("a written file is read") }
    precondition(zip(again, image.voxels).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }, "the same values")
}

/// Wrapping a file in gzip, in one member or two, changes nothing.
private func checkWrapped(_ file: [UInt8], _ plain: NIfTIImage?) {
    let middle = file.count < 2 ? 0 : Int(file[file.count / 2]) * file.count / 256
    for cut in [0, middle] {
        let members = cut == 0 ? [file[...]] : [file[..<cut], file[cut...]]
        let image = try? NIfTIFile.content(of: members.flatMap { StoredGzip.member($0) }).image()
        precondition(image?.header == plain?.header, "the same verdict inside gzip")
        let same = zip(image?.voxels ?? [], plain?.voxels ?? []).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
        precondition(same, "the same values inside gzip")
    }
}
