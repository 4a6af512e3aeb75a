import Testing
import Training

@Suite struct PredictionTableTests {
    private func row(_ name: String, _ positive: Double, _ label: String?, isAnswered: Bool = true)
        -> PredictionTable.Row
    {
        var prediction = Prediction(
            case: name, task: "tumour", probabilities: [1 - positive, positive], classes: ["no", "yes"], threshold: 0.5,
            thresholdFrom: "model", modelDigest: "", licenceReference: nil, recipe: "", contrasts: [], warnings: [],
            device: "")
        if !isAnswered { prediction.predicted = nil }
        return PredictionTable.Row(prediction: prediction, probabilities: [1 - positive, positive], label: label)
    }

    @Test("cases left without an answer are counted, and no call is counted for them")
    func withheld() throws {
        let rows = [
            row("a", 0.9, "yes"), row("b", 0.2, "no"), row("c", 0.1, "yes", isAnswered: false), row("d", 0.9, nil),
            row("e", 0.9, nil, isAnswered: false),
        ]
        func table(_ rows: [PredictionTable.Row]) -> PredictionTable {
            PredictionTable(classes: ["no", "yes"], rows: rows, threshold: 0.5)
        }
        let evaluation = try #require(try table(rows).evaluation())
        #expect(evaluation.cases == 2 && evaluation.accuracy == 1 && evaluation.withheld == 1)
        #expect(evaluation.summary.hasPrefix("2 cases: ") && evaluation.summary.hasSuffix("; 1 more without an answer"))
        #expect(try table([rows[2]]).evaluation()?.summary == "no cases; 1 more without an answer")
        #expect(try table([rows[0]]).evaluation()?.withheld == nil)
        #expect(try table([rows[3]]).evaluation() == nil)
    }
}
