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
    let content = try? NIfTIFile.content(of: file)
    let image = content?.image()
    if let content, let image {
        checkItsNumbers(image, content)
        checkWrittenAgain(image)
    }
    if !file.starts(with: [0x1f, 0x8b]) { checkWrapped(file, image) }
    return 0
}

/// An accepted file has as many voxels as its header says, and looking at it piece by piece finds the same.
private func checkItsNumbers(_ image: NIfTIImage, _ content: NIfTIContent) {
    let header = image.header
    precondition(image.voxels.count == header.dims.reduce(1, *), "a voxel for each place")
    precondition(header.dims.allSatisfy { 1...2048 ~= $0 } && 3...4 ~= header.dims.count, "sizes within the limits")
    precondition(header.affine.rows.joined().allSatisfy(\.isFinite), "a finite affine")
    precondition(content.surveyed() == header, "the same warnings by either way")
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

/// Wrapping a file in gzip changes nothing: in one member for accepted files, in two for the others.
private func checkWrapped(_ file: [UInt8], _ plain: NIfTIImage?) {
    let cut = plain == nil ? file.count / 2 : 0
    let members = cut == 0 ? [file[...]] : [file[..<cut], file[cut...]]
    let image = try? NIfTIFile.content(of: members.flatMap { StoredGzip.member($0) }).image()
    precondition(image?.header == plain?.header, "the same verdict inside gzip")
    let same = zip(image?.voxels ?? [], plain?.voxels ?? []).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN }
    precondition(same, "the same values inside gzip")
}
