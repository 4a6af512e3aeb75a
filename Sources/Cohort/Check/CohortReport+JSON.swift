import Foundation

extension CohortReport {
    /// The report for programs: one JSON object, keys in alphabetical order.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    private enum CodingKeys: String, CodingKey {
        case manifest, recipe, task, cases, findings
        case tableOne = "table_1"
        case trivialModels = "trivial_models"
        case isUsable = "usable"
        case statement
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            manifest: try values.decode(String.self, forKey: .manifest),
            recipe: try values.decode(String.self, forKey: .recipe),
            task: try values.decodeIfPresent(LabelTask.self, forKey: .task),
            cases: try values.decode([CaseReport].self, forKey: .cases),
            findings: try values.decode([Finding].self, forKey: .findings),
            tableOne: try values.decode(TableOne.self, forKey: .tableOne),
            trivialModels: try values.decode([TrivialModel].self, forKey: .trivialModels))
    }

    package func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(manifest, forKey: .manifest)
        try values.encode(recipe, forKey: .recipe)
        try values.encode(task, forKey: .task)
        try values.encode(isUsable, forKey: .isUsable)
        try values.encode(cases, forKey: .cases)
        try values.encode(findings, forKey: .findings)
        try values.encode(tableOne, forKey: .tableOne)
        try values.encode(trivialModels, forKey: .trivialModels)
        try values.encode(statement, forKey: .statement)
    }
}
