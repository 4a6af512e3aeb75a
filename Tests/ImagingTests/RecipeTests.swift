import Foundation
import Imaging
import Testing

@Suite struct RecipeTests {
    @Test func aRecipeSurvivesJSON() throws {
        for name in Recipe.Name.allCases {
            for unstripped in [false, true] {
                let recipe = Recipe(
                    name: name, size: 48, orientation: "LPI", unstripped: unstripped, nonFinite: .replace, margin: 7,
                    percentiles: [1, 99])
                let bytes = try JSONEncoder().encode(recipe)
                #expect(try JSONDecoder().decode(Recipe.self, from: bytes) == recipe)
            }
        }
    }

    @Test func whatIsLeftOutTakesItsUsualValue() throws {
        let read = try JSONDecoder().decode(Recipe.self, from: Data(#"{"name":"lamim-finetune"}"#.utf8))
        #expect(read == Recipe(name: .lamimFinetune))
        #expect(read.orientation == "stored")
        #expect(Recipe().orientation == "RAS")
    }

    @Test(arguments: [
        #"{"name":"consilium","size":3}"#, #"{"name":"consilium","orientation":"RAR"}"#,
        #"{"name":"consilium","percentiles":[99,1]}"#, #"{"name":"consilium","margin":-1}"#,
        #"{"name":"consilium","version":99}"#,
    ]) func aSettingOutOfRangeIsRefused(json: String) {
        #expect(throws: ImagingError.self) { try JSONDecoder().decode(Recipe.self, from: Data(json.utf8)) }
    }

    @Test func theSummaryTellsRecipesApart() {
        let lines = [
            Recipe(), Recipe(size: 48), Recipe(orientation: "LPS"), Recipe(unstripped: true),
            Recipe(nonFinite: .replace), Recipe(margin: 5), Recipe(percentiles: [1, 99]), Recipe(name: .lamimPretrain),
            Recipe(name: .lamimFinetune), Recipe(name: .standardised), Recipe(name: .standardised, margin: 5),
        ].map(\.summary)
        #expect(Set(lines).count == lines.count)
        #expect(
            Recipe().summary
                == "consilium/2 size=96 orientation=RAS unstripped=refuse nonfinite=refuse margin=4.0mm percentiles=0.5,99.5"
        )
    }
}
