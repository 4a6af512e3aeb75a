package import Cohort
import Cryptography
import Foundation
import Imaging
import Synchronization

/// A case as the network takes it.
package struct EncoderInput: Sendable {
    /// (channels, size³), absent contrasts zero.
    package var voxels: [Float]
    /// Which contrasts the case has.
    package var present: [Bool]
    /// What a person should know about the case.
    package var warnings: [String]

    package init(voxels: [Float], present: [Bool], warnings: [String] = []) {
        self.voxels = voxels
        self.present = present
        self.warnings = warnings
    }
}

extension EncoderInput {
    /// The edge of a cube of so many voxels.
    static func edge(voxels: Int) -> Int { Int(cbrt(Double(voxels)).rounded()) }
}

extension CaseLoader {
    /// A case as the network takes it.
    package func input(_ record: CaseRecord) throws -> EncoderInput {
        let volume = try prepared(record)
        return EncoderInput(voxels: volume.voxels, present: volume.present, warnings: volume.warnings)
    }
}

/// A case with the class it is to be told as.
package struct LabelledCase: Sendable {
    package let record: CaseRecord
    /// Position in the task's classes.
    package let label: Int
    package let split: Split

    package init(record: CaseRecord, label: Int, split: Split) {
        self.record = record
        self.label = label
        self.split = split
    }
}

/// The cases of a fit: loaded when asked for, kept in memory as far as the budget goes.
package final class FitCases: Sendable {
    package let cases: [LabelledCase]
    private let load: @Sendable (CaseRecord) throws -> EncoderInput
    private let budget: Int
    private let resident: Mutex<(inputs: [Int: EncoderInput], bytes: Int)>

    /// - Parameters:
    ///   - budget: bytes of voxels kept in memory.
    ///   - load: prepares a case; called from several threads.
    package init(
        _ cases: [LabelledCase], budget: Int, load: @escaping @Sendable (CaseRecord) throws -> EncoderInput
    ) {
        self.cases = cases
        self.budget = budget
        self.load = load
        resident = Mutex(([:], 0))
    }

    /// Positions of a split's cases.
    package func indices(_ split: Split) -> [Int] { cases.indices.filter { cases[$0].split == split } }

    /// A case ready for the network.
    package func input(_ index: Int) throws -> EncoderInput {
        if let kept = resident.withLock({ $0.inputs[index] }) { return kept }
        let input = try load(cases[index].record)
        resident.withLock { state in
            let bytes = input.voxels.count * 4
            guard state.inputs[index] == nil, state.bytes + bytes <= budget else { return }
            state.inputs[index] = input
            state.bytes += bytes
        }
        return input
    }

    /// What is known of the cases once each has been read.
    package struct Survey: Sendable {
        /// SHA-256 over names, labels, splits and voxels, in order.
        package let digest: String
        /// For each case which contrasts it has.
        package let present: [[Bool]]
        /// Warnings of the cases, each beginning with the case's name.
        package let warnings: [String]
    }

    /// Reads every case once, so that one that cannot be used stops the fit before it begins.
    /// - Parameters:
    ///   - values: voxels a case must have.
    ///   - progress: called with the number of cases read.
    package func survey(values: Int, progress: (Int) throws -> Void) throws -> Survey {
        var hash = SHA256()
        var present: [[Bool]] = []
        var warnings: [String] = []
        for (index, labelled) in cases.enumerated() {
            let input = try input(index)
            guard input.voxels.count == values else {
                throw TrainingError(
                    .data,
                    "\(labelled.record.name) has \(input.voxels.count) prepared voxels where the model takes \(values)")
            }
            hash.update("\(labelled.record.id)\n\(labelled.label) \(labelled.split.rawValue) \(input.present)\n")
            input.voxels.withUnsafeBytes { hash.update($0) }
            present.append(input.present)
            warnings += input.warnings.map { "\(labelled.record.name): \($0)" }
            try progress(index + 1)
        }
        return Survey(digest: hash.finish(), present: present, warnings: warnings)
    }
}
