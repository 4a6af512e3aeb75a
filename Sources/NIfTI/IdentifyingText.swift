/// Looks for text that may name a patient, in a header's free text.
///
/// A lint, not a proof: it knows dates, record numbers, names as DICOM and people write them, addresses, telling words.
package enum IdentifyingText {
    /// Words that announce an identifier.
    private static let tellingWords: Set<String> = [
        "patient", "patientname", "patientid", "pat", "mrn", "dob", "birth", "birthdate", "birthday", "born", "ssn",
        "nhs", "surname", "firstname", "lastname", "accession", "mr", "mrs", "ms", "dr",
    ]
    private static let months: Set<String> = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ]
    /// Capitalised words of scanners and programs, which are nobody's name.
    private static let commonWords: Set<String> = [
        "atlas", "average", "axial", "brain", "bias", "by", "bold", "contrast", "converted", "coronal", "corrected",
        "created", "data", "diffusion", "echo", "field", "file", "first", "flair", "format", "free", "freesurfer",
        "from", "gradient", "head", "image", "images", "in", "intensity", "linear", "map", "mask", "matlab", "matter",
        "mean", "medical", "modified", "mri", "nibabel", "none", "normalized", "normalised", "of", "order", "philips",
        "post", "pre", "prepared", "processed", "python", "realigned", "recovery", "registered", "resampled",
        "resliced",
        "sagittal", "scan", "segmentation", "sequence", "series", "siemens", "single", "slice", "space", "spin",
        "standard", "study", "subject", "template", "test", "the", "time", "tool", "tumor", "tumour", "turbo",
        "toolkit", "unknown", "version", "volume", "weighted", "white", "with", "written", "and", "for", "grey", "gray",
        "insight", "registration", "statistical", "parametric", "mapping", "group", "analysis",
        "general", "electric", "slicer", "dataset", "default", "label", "labels", "probability", "native", "fast",
        "inversion", "echoes", "magnitude", "phase", "real", "multi", "noise", "filter", "filtered", "smoothed",
    ]

    /// Abbreviations of programs, sequences, spaces and studies, which stand beside each other in capitals.
    private static let abbreviations: Set<String> = [
        "achieva", "adc", "afni", "ants", "asl", "avanto", "avg", "axi", "bet", "brats", "brik", "bspline", "cbf",
        "cbv", "cet", "cor",
        "csf", "ct", "dce", "dicom", "dir", "dsc", "dti", "dwi", "echo", "epi", "fast", "ffe", "fgre", "fla", "flash",
        "flirt", "float", "fmri", "fnirt", "fov", "fse", "fsl", "fspgr", "gbm", "gli", "gre", "hdbet", "hdr", "head",
        "icbm", "img", "int", "itk", "lgg", "hgg", "lin", "lps", "lpi", "men", "met", "mip", "mni", "mpr", "mprage",
        "mri", "mrs", "nifti", "nii", "nmr", "orig", "pdgm", "prisma", "skyra", "verio", "trio", "ped", "ras", "roi",
        "sag", "seg", "siri", "space", "spc",
        "spgr", "spin", "spm", "sri", "ssa", "ssfp", "stir", "swan", "swi", "tal", "tcga", "tcia", "tfe", "tfl", "tir",
        "tirm", "tra", "tse", "type", "ucsf", "uint", "upenn", "vbm", "vol", "wfu", "xfm",
    ]

    /// True when the text holds something that may tell who the patient is.
    package static func isLikely(in text: String) -> Bool { isLikely(in: Array(text.utf8)) }

    /// The same over bytes: a header may hold a megabyte of text, and the gate must stay fast.
    static func isLikely(in bytes: [UInt8]) -> Bool {
        if bytes.contains(UInt8(ascii: "^")) || hasAddress(bytes) || hasHome(bytes) || hasNumber(bytes) { return true }
        let words = bytes.split { !isWord($0) }
        if words.contains(where: isTelling) { return true }
        return hasDate(words) || hasName(words) || hasCapitalName(words, in: bytes)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isUpper(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) }
    private static func isLower(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || byte >= 0x80 }
    private static func isLetter(_ byte: UInt8) -> Bool { isUpper(byte) || isLower(byte) }
    private static func isWord(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }

    private static func lowercased(_ word: ArraySlice<UInt8>) -> String {
        String(decoding: word.lazy.map { isUpper($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    }

    private static func isTelling(_ word: ArraySlice<UInt8>) -> Bool {
        word.count <= 11 && tellingWords.contains(lowercased(word))
    }

    /// Something like `anna@example.org`.
    private static func hasAddress(_ bytes: [UInt8]) -> Bool {
        bytes.indices.dropFirst().dropLast().contains {
            bytes[$0] == UInt8(ascii: "@") && isLetter(bytes[$0 - 1]) && isLetter(bytes[$0 + 1])
        }
    }

    /// A path in somebody's home folder.
    private static func hasHome(_ bytes: [UInt8]) -> Bool {
        let folders = ["/home/", "/Users/", "\\Users\\"].map { Array($0.utf8) }
        return bytes.indices.contains { start in
            guard bytes[start] == UInt8(ascii: "/") || bytes[start] == UInt8(ascii: "\\") else { return false }
            return folders.contains { bytes[start...].starts(with: $0) }
        }
    }

    /// Six digits or more standing alone: a record number or a date. A time of day (`Time=101530.2`) is not one.
    private static func hasNumber(_ bytes: [UInt8]) -> Bool {
        var start: Int?
        for position in 0...bytes.count {
            if position < bytes.count, isDigit(bytes[position]) {
                start = start ?? position
                continue
            }
            defer { start = nil }
            guard let first = start, position - first >= 6 else { continue }
            if position < bytes.count, isWord(bytes[position]) { continue }
            if first > 0, isWord(bytes[first - 1]) || bytes[first - 1] == UInt8(ascii: ".") { continue }
            if first >= 5, bytes[(first - 5)..<first].elementsEqual("Time=".utf8) { continue }
            return true
        }
        return false
    }

    /// Three numbers in a row that make a day, or a named month beside a day or a year.
    private static func hasDate(_ words: [ArraySlice<UInt8>]) -> Bool {
        func number(_ index: Int) -> Int? {
            guard words.indices.contains(index), words[index].count <= 4 else { return nil }
            return words[index].reduce(0) { value, byte -> Int? in
                guard let value, isDigit(byte) else { return nil }
                return value * 10 + Int(byte - 0x30)
            }
        }
        func isYear(_ number: Int) -> Bool { (1900...2099).contains(number) }
        for index in words.indices {
            if let a = number(index), let b = number(index + 1), let c = number(index + 2) {
                if isYear(a), (1...12).contains(b), (1...31).contains(c) { return true }
                if isYear(c), (1...31).contains(a), (1...31).contains(b), min(a, b) <= 12 { return true }
            }
            let word = words[index]
            guard (3...9).contains(word.count), months.contains(lowercased(word.prefix(3))) else { continue }
            let neighbours = [number(index - 1), number(index + 1)].compactMap(\.self)
            if neighbours.contains(where: { isYear($0) || (1...31).contains($0) }) { return true }
        }
        return false
    }

    /// Two capitalised words in a row that no program writes: `Anna Kowalska` is found, `Mean Image` is not.
    private static func hasName(_ words: [ArraySlice<UInt8>]) -> Bool {
        func mayBeName(_ word: ArraySlice<UInt8>) -> Bool {
            guard (3...30).contains(word.count), let first = word.first, isUpper(first) || first >= 0x80 else {
                return false
            }
            return word.dropFirst().allSatisfy(isLower) && !commonWords.contains(lowercased(word))
        }
        return zip(words, words.dropFirst()).contains { mayBeName($0) && mayBeName($1) }
    }

    /// Two words of capitals side by side that are no abbreviation: `KOWALSKA ANNA` is found, `MNI TAL` is not, and
    /// `STUDY-ABC`, a name of things, is not either.
    private static func hasCapitalName(_ words: [ArraySlice<UInt8>], in bytes: [UInt8]) -> Bool {
        func mayBeName(_ word: ArraySlice<UInt8>) -> Bool {
            guard (3...30).contains(word.count), word.allSatisfy({ isUpper($0) || $0 >= 0x80 }) else { return false }
            // Not text without capitals, such as Chinese.
            guard word.count(where: isUpper) >= 2 else { return false }
            let known = lowercased(word)
            return !commonWords.contains(known) && !abbreviations.contains(known)
        }
        return zip(words, words.dropFirst()).contains { first, second in
            second.startIndex - first.endIndex <= 2
                && bytes[first.endIndex..<second.startIndex].allSatisfy { " ,_.".utf8.contains($0) }
                && mayBeName(first) && mayBeName(second)
        }
    }
}

extension NIfTIHeader {
    /// Every place of the header that holds text, by its name in the standard, empty ones left out.
    package var textFields: [(name: String, text: String)] {
        let fields = [("descrip", descrip), ("aux_file", auxFile), ("db_name", dbName), ("intent_name", intentName)]
        let others = extensions.map { entry in
            let names: [Int32: String] = [-1: "bytes before the voxels", 2: "DICOM", 4: "AFNI", 6: "comment"]
            return (
                names[entry.code].map { entry.code < 0 ? $0 : "\($0) extension" } ?? "extension \(entry.code)",
                entry.text
            )
        }
        return (fields + others).filter { !$0.1.isEmpty }
    }

    /// Names of the places whose text may tell who the patient is. A DICOM extension always may.
    package var identifyingFields: [String] {
        textFields.filter { $0.name == "DICOM extension" || IdentifyingText.isLikely(in: $0.text) }.map(\.name)
    }

    /// With a warning that names the places and never repeats the text. Not the gate's work, so that a refusal does not
    /// wait for a megabyte of text to be read.
    func linted() -> NIfTIHeader {
        let fields = identifyingFields
        guard !fields.isEmpty else { return self }
        var header = self
        header.warnings.append("may hold patient text in \(fields.joined(separator: ", "))")
        return header
    }
}
