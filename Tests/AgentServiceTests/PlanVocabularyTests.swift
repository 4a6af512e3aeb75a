import Federation
import Testing
import Training

/// Plans name what sites do in words of their own module; each must mean something here.
@Suite struct PlanVocabularyTests {
    @Test("every objective and every augmentation of a plan is one of training's, and none is left out")
    func words() {
        #expect(
            StudyPlan.Objective.allCases.map(\.rawValue) == PretrainingObjective.allCases.map(\.rawValue))
        #expect(
            LocalTraining.Augmentation.allCases.map(\.rawValue) == Augmentation.Kind.allCases.map(\.rawValue))
    }
}
