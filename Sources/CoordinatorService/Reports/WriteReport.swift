import Encoder
import Federation
import Foundation
import Reporting

/// Writes a study's report: one HTML page, and the CSV files it is made of.
package struct WriteReport: OperatorCommand {
    package static let name = "report"
    package var study: String
    /// Studies it is compared with.
    package var others: [String]
    /// An absolute path; made when it is not there.
    package var folder: String

    package init(study: String, others: [String], folder: String) {
        self.study = study
        self.others = others
        self.folder = folder
    }

    package struct Answer: Codable, Sendable, Equatable {
        /// The page first.
        package var files: [String]
    }

    package func carryOut(at desk: OperatorDesk) async throws -> Answer {
        guard folder.hasPrefix("/") else { throw OperatorError("\(folder) is not an absolute path") }
        let objects = desk.coordinator.store.objects
        let (state, subject) = (desk.coordinator.state, try desk.study(study))
        let report = ReviewReport(
            subject, beside: try others.map { try desk.study($0) }, federation: state.name ?? "",
            lockedTestOpenings: state.lockedTestOpenings(of: subject), head: desk.coordinator.head,
            software: Software.name,
            report: { object in
                FileManager.default.contents(atPath: objects.path(of: object.digest)).flatMap { data in
                    let text = String(decoding: data, as: UTF8.self)
                    return try? MessageCoding.decode(Signed<EvaluationReport>.self, from: text).body()
                }
            }, model: { try? ModelFile(objects.path(of: $0.digest)) })
        do { return Answer(files: try report.report.write(to: folder)) } catch {
            throw OperatorError("the report cannot be written to \(folder): \(error)")
        }
    }
}
