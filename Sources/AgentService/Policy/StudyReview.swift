import Federation

/// How a site stands to the studies it is offered: what the policy says, and what waits for the admin.
struct StudyReview: Sendable {
    let around: Surroundings

    /// Answers, or asks the admin, about every plan that is new or stands otherwise under today's policy.
    func review(_ offers: [StudyOffer]) throws {
        for offer in offers {
            guard let document = try? offer.plan.verified(by: around.identity.coordinatorKey),
                document.study == offer.name, Name.isValid(offer.name), document.federation == around.record.federation,
                document.digest == StudyPlan.digest(of: document.text)
            else {
                around.narrator.say(
                    "WARNING: the plan of \(offer.name) is not signed by the coordinator", on: "plan \(offer.name)")
                continue
            }
            try review(document)
        }
    }

    private func review(_ document: PlanDocument) throws {
        let objection = objection(to: document)
        let isAutomatic = around.isAutomatic(around.configuration.approve.consent)
        try around.site.remember { memory in
            var study = memory.studies[document.study] ?? SiteMemory.Study()
            if let objection {
                study.answer(
                    plan: document.digest, agrees: false, reason: EgressSchema.sentence(objection), byPolicy: true)
                study.waiting = nil
            } else if study.plan != document.digest || study.agrees == nil || (study.agrees == false && study.byPolicy)
            {
                if isAutomatic {
                    study.answer(plan: document.digest, agrees: true, reason: nil, byPolicy: true)
                } else {
                    study.waiting = document.digest
                }
            }
            memory.studies[document.study] = study
        }
        if let plan = around.site.memory.studies[document.study]?.waiting {
            around.narrator.say(
                "the study \(document.study) waits for you: look at `agent status`, then "
                    + "`agent approve \(Site.consent(document.study, plan: plan))` or refuse it",
                on: "plan \(document.study)")
        }
    }

    private func objection(to document: PlanDocument) -> String? {
        do throws(PlanError) {
            let plan = try around.plan(document)
            guard plan.name == document.study else { return "the plan is of another study" }
            return around.policy.objection(to: plan, at: around.now())
        } catch { return "the plan cannot be read by this version of the agent: \(error.message)" }
    }

    /// What the coordinator has yet to be told of a study: it was not delivered, or the coordinator does not know it.
    func undelivered(_ offer: StudyOffer) -> Consent? {
        guard let document = offer.plan.unverified, let study = around.site.memory.studies[offer.name],
            let agrees = study.agrees, study.plan == document.digest
        else { return nil }
        let isKnown = offer.standing == (agrees ? .consented : .refused)
        guard !study.delivered || !isKnown else { return nil }
        return Consent(
            federation: around.record.federation, site: around.record.site, study: offer.name, plan: document.digest,
            agrees: agrees, reason: agrees ? nil : study.reason ?? "refused")
    }
}
