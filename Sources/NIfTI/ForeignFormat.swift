/// Other formats people hold for NIfTI, recognised to be refused by name.
enum ForeignFormat {
    /// The name of the format these first bytes belong to, or nil when it is none of the known ones.
    static func name(of bytes: UnsafeRawBufferPointer) -> String? {
        func starts(_ text: String, at offset: Int = 0) -> Bool {
            let pattern = Array(text.utf8)
            guard bytes.count >= offset + pattern.count else { return false }
            return bytes[offset..<offset + pattern.count].elementsEqual(pattern)
        }
        let read = FieldReader(bytes: bytes, isBigEndian: true)
        if starts("<nifti_image") { return "ASCII NIfTI (.nia)" }
        if starts("DICM", at: 128) { return "a DICOM file" }
        if starts("NRRD") { return "an NRRD file" }
        if starts("CDF\u{1}") || starts("CDF\u{2}") { return "a MINC-1 file" }
        if bytes.count >= 4, bytes[0] == 0x89, starts("HDF", at: 1) { return "an HDF5 (MINC-2) file" }
        if starts("PK\u{3}\u{4}") { return "a zip archive" }
        if bytes.count >= 284, read.integer(0) as Int32 == 1, (0...10).contains(read.integer(20) as Int32) {
            return "a FreeSurfer volume (.mgh, .mgz)"
        }
        return nil
    }
}
