/// Looks for text that may name a patient, in a header's free text.
///
/// A lint, not a proof: it knows dates, record numbers, names as DICOM and people write them, addresses, telling words.
package enum IdentifyingText {
    /// Words that announce an identifier.
    private static let tellingWords: Set<String> = [
        "patient", "patientname", "patientid", "pat", "mrn", "dob", "birth", "birthdate", "birthday", "born", "ssn",
        "nhs", "surname", "firstname", "lastname", "accession", "mr", "mrs", "ms", "dr",
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
        "insight", "segmentation", "registration", "statistical", "parametric", "mapping", "group", "analysis",
        "general", "electric", "slicer", "dataset", "default", "label", "labels", "probability", "native", "fast",
        "inversion", "echoes", "magnitude", "phase", "real", "multi", "noise", "filter", "filtered", "smoothed",
    ]

    /// True when the text holds something that may tell who the patient is.
    package static func isLikely(in text: String) -> Bool {
        let bytes = Array(text.utf8)
        if bytes.contains(UInt8(ascii: "^")) || hasAddress(text) || hasHome(text) { return true }
        let words = text.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        if words.contains(where: { tellingWords.contains($0.lowercased()) }) { return true }
        return hasNumber(bytes) || hasDate(words) || hasName(words)
    }

    /// Something like `anna@example.org`.
    private static func hasAddress(_ text: String) -> Bool {
        let characters = Array(text)
        return characters.indices.dropFirst().dropLast().contains {
            characters[$0] == "@" && characters[$0 - 1].isLetter && characters[$0 + 1].isLetter
        }
    }

    /// A path in somebody's home folder.
    private static func hasHome(_ text: String) -> Bool {
        ["/home/", "/Users/", "\\Users\\"].contains { text.contains($0) }
    }

    /// Six digits or more standing alone: a record number or a date. A time of day (`Time=101530.2`) is not one.
    private static func hasNumber(_ bytes: [UInt8]) -> Bool {
        func isWord(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte >= 0x80
        }
        var start: Int?
        for position in 0...bytes.count {
            if position < bytes.count, (0x30...0x39).contains(bytes[position]) {
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
    private static func hasDate(_ words: [String]) -> Bool {
        let months: Set<String> = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        func isYear(_ number: Int) -> Bool { (1900...2099).contains(number) }
        let numbers = words.map { $0.count <= 4 ? Int($0) : nil }
        for index in words.indices {
            if index + 2 < words.count, let a = numbers[index], let b = numbers[index + 1], let c = numbers[index + 2] {
                if isYear(a), (1...12).contains(b), (1...31).contains(c) { return true }
                if isYear(c), (1...31).contains(a), (1...31).contains(b), min(a, b) <= 12 { return true }
            }
            guard months.contains(words[index].prefix(3).lowercased()), words[index].count <= 9 else { continue }
            let neighbours = [index - 1, index + 1].filter(words.indices.contains).compactMap { numbers[$0] }
            if neighbours.contains(where: { isYear($0) || (1...31).contains($0) }) { return true }
        }
        return false
    }

    /// Two capitalised words in a row that no program writes: `Anna Kowalska`, `DOE JOHN` stay, `Mean Image` does not.
    private static func hasName(_ words: [String]) -> Bool {
        func mayBeName(_ word: String) -> Bool {
            guard word.count >= 3, word.allSatisfy(\.isLetter), let first = word.first, first.isUppercase else {
                return false
            }
            return word.dropFirst().allSatisfy(\.isLowercase) && !commonWords.contains(word.lowercased())
        }
        return zip(words, words.dropFirst()).contains { mayBeName($0) && mayBeName($1) }
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

    /// A warning that names the places and never repeats the text.
    var identifyingTextWarning: String? {
        let fields = identifyingFields
        return fields.isEmpty ? nil : "may hold patient text in \(fields.joined(separator: ", "))"
    }
}
