import Foundation

/// One row of `history.csv`.
package struct EpochRecord: Codable, Sendable, Equatable {
    /// 1 for the first.
    package var epoch: Int
    /// Optimiser steps so far.
    package var step: Int
    /// Rate of the epoch's last step.
    package var rate: Float
    package var trainLoss: Double
    /// On the select split; its numbers are nil where there is none.
    package var select: Evaluation
    /// Whether it is the best so far.
    package var isBest: Bool
    /// Since the fit began, interruptions left out.
    package var seconds: Double

    package static let header = "epoch,step,rate,train_loss,select_loss,accuracy,auc,best,seconds"

    /// The row as CSV; undefined numbers are empty.
    package var csv: String {
        func text(_ value: Double?) -> String { value.map { String(format: "%.6g", $0) } ?? "" }
        return [
            "\(epoch)", "\(step)", text(Double(rate)), text(trainLoss), text(select.loss), text(select.accuracy),
            text(select.auc), isBest ? "1" : "0", String(format: "%.1f", seconds),
        ].joined(separator: ",")
    }

    /// `history.csv`.
    package static func table(_ rows: [EpochRecord]) -> String {
        ([header] + rows.map(\.csv)).joined(separator: "\n") + "\n"
    }
}
