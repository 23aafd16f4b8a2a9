namespace Pimm.Web.Help;

/// <summary>An entry of the glossary.</summary>
/// <param name="Id">its anchor: /help#disagreement-set</param>
/// <param name="Name">key of the folder's words, as the text is</param>
public sealed record GlossaryEntry(string Id, string Name, string Text);

/// <summary>Every statistical word that pages use.</summary>
public static class Glossary
{
    public static IReadOnlyList<GlossaryEntry> All { get; } =
    [
        new("impression", "Impression",
            "One showing of the ad to one customer; what a budget buys."),
        new("arm", "Arm, treatment and control",
            "The group that a customer was drawn into, once, by a hash. Treatment is ranked by the new model, control by the present one; both get the same number of impressions."),
        new("eligible", "Eligible",
            "Who passed filter, consent, suppression and contact limits when the campaign began. Frozen from then on, so that both arms stay comparable."),
        new("wave", "Wave",
            "One day of the campaign: rank, select, export, in both arms or in neither."),
        new("held-back", "Held back",
            "Customers whom the ranking reached but whom a hash flagged never to be exported. They show what happens without an impression."),
        new("exploration", "Exploration",
            "The part of the impressions that is given by chance instead of by a model. Only such rows can compare two models fairly offline."),
        new("window", "Window",
            "How many days after its wave an outcome still counts. Open windows decide nothing: the numbers still grow."),
        new("core-conversion", "Core conversion",
            "The last yes-or-no stage of the funnel, for example investing over 1,000 CNY; by any route, whether or not an impression led to it."),
        new("extra-core-conversions", "Extra core conversions per 1,000 impressions",
            "The headline. How many more core conversions the treatment arm had, over everybody eligible, for each 1,000 impressions. The fairest answer to what the new model is worth."),
        new("disagreement-set", "Disagreement set",
            "Customers whom the two models would have treated differently. Only they can differ because of the models, so counting only them asks the same question with much less noise."),
        new("increment", "Increment of an arm",
            "Exported against held back within one arm: what its impressions caused, compared with nothing. It says how much the ads work, not which model is better."),
        new("ratio-of-increments", "Ratio of the increments",
            "The treatment arm's increment over the control arm's. Its interval (Fieller) can be unbounded when control's increment may be zero."),
        new("eligible-lift", "Eligible lift",
            "By how many percent more of the eligible converted in treatment than in control. Unbiased, and small by nature: most eligible customers were never reached."),
        new("delivered-lift", "Delivered lift",
            "The core-conversion rate among the exported, treatment against control: Figure 4 of the paper. Each model chose whom to reach, so it can be large although the impressions did nothing. Never a reason to ship by itself."),
        new("amount", "Amount",
            "What customers spent or invested in the window, where the outcome files say so."),
        new("interval", "Interval (95 %)",
            "If campaigns like this one were repeated, 95 of 100 such intervals would hold the truth. Where it reaches over zero, chance alone may explain the difference."),
        new("standard-error", "Standard error (SE)",
            "How far an estimate typically lies from the truth by chance. The interval is about two of them to each side."),
        new("always-valid", "Always valid",
            "An ordinary interval holds for one look at the end. An always-valid one holds however often somebody looks, and is therefore wider."),
        new("e-value", "E-value",
            "Evidence gathered so far that the arms differ: 20 or more means that such a thing happens by chance at most once in 20 campaigns, whenever one looks."),
        new("planned-conversions", "Planned conversions",
            "How many core conversions both arms were expected to have; the scale on which always-valid bounds are narrowest."),
        new("adjustment", "Adjusted",
            "The same number after regression on both models' frozen scores. It removes luck of the draw that the scores explain; it changes the width more than the value. Never used for delivered lift."),
        new("health-checks", "Health checks",
            "Whether the arms are still comparable: their sizes, deliveries, matched outcomes and exclusions. An alarm switches the verdict off."),
        new("verdict", "Verdict",
            "Ship, roll back, keep running or cannot tell: what the closed windows and the checks allow one to say."),
        new("holm", "p after Holm",
            "The chance of a difference this large if there is none, made stricter because many were looked at. A small p in one of many segments is a question, not an answer."),
        new("heterogeneity", "Cochran's Q",
            "Whether the segments differ from each other more than chance explains."),
        new("guardrail", "Guardrail",
            "What the treatment must not make worse by more than an agreed margin."),
        new("standardised-difference", "Standardised difference",
            "The difference of the arms' means in standard deviations. Below 0.1 is usually called alike; the chosen split is far below."),
        new("mahalanobis", "Mahalanobis imbalance M",
            "One number for how unlike the arms are in the attributes that were balanced on; the salt with the smallest M among R candidates was chosen."),
        new("salt", "Salt",
            "The text that the draw's hash is made with. Another salt is another draw; a campaign keeps its own for ever."),
        new("champion", "Champion",
            "The version of a model line that is in use."),
        new("auc", "AUC",
            "The chance that a customer who converted was scored above one who did not: 0.5 is chance, 1 is perfect. Says nothing about how high the probabilities are."),
        new("calibration", "Calibration",
            "Whether what is predicted is what happens: of customers with 2 % predicted, 2 in 100 convert. A ratio of 1.0 is right."),
        new("log-loss", "Log loss",
            "How surprised the model is by what happens; smaller is better. Punishes confident mistakes."),
        new("gain-curve", "Gain curve",
            "How many of the conversions lie among the best-ranked part of the customers, beside what chance would find."),
        new("overlap", "Overlap",
            "Which share of its impressions both models would give to the same customers. The more they agree, the less a campaign can tell them apart."),
        new("simulated", "Simulated",
            "Customers and outcomes come from the built-in market. Its truth is known, so pages show it beside the estimate."),
    ];

    /// <summary>The stages in the order data moves.</summary>
    public static IReadOnlyList<GlossaryEntry> Stages { get; } =
    [
        new("importing", "Importing", "Files of customers and of past impressions become typed tables; a bad row is put aside with its reason."),
        new("training", "Training", "A model line learns from the history; weights, seed and metrics are one version."),
        new("scoring", "Scoring", "Both models score every eligible customer, and both scores stay frozen."),
        new("allocating", "Allocating", "The split into two alike groups, once; then, each day, the top of each group."),
        new("exporting", "Exporting", "Two lists a wave in the channel's own form; who may not be contacted is on none."),
        new("outcomes", "Outcomes", "What customers did, counted by the group they were drawn into."),
        new("lift", "Lift", "What the treatment model was worth, with intervals, checks first."),
    ];
}
