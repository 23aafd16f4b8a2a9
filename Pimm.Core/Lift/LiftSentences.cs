using System.Globalization;
using System.Reflection;

namespace Pimm.Core.Lift;

/// <summary>
/// Every sentence that a verdict, a health check, a guardrail or an exclusion can say, with its places. A report holds the English
/// ones; a page finds the sentence by its words and says it in the reader's language.
/// </summary>
public static class LiftSentences
{
    public const string NobodyExported = "No data: nobody was exported yet.";
    public const string CheckFailed = "No verdict: the check \"{0}\" failed. {1}";
    public const string NoOutcomes = "No data: no outcomes of customers by any route have come, and delivered lift alone decides nothing.";
    public const string KeepRunningDay = "Keep running: about {0} day until the last window closes on {1:yyyy-MM-dd}; nothing is decided on open windows.";
    public const string KeepRunning = "Keep running: about {0} days until the last window closes on {1:yyyy-MM-dd}; nothing is decided on open windows.";
    public const string GuardrailBroken = "Roll back: the guardrail {0} is broken. {1}";
    public const string NoHeadline = "No data: {0}";
    public const string NoConversion = "No data: no core conversion came in either arm.";
    public const string TooFew = "This campaign cannot tell the models apart: {0:N0} core conversions in the control and {1:N0} in the treatment, and nothing is decided below {2} in each arm.";
    public const string Interval = "{0:+0.##;-0.##;0} core conversions per 1,000 impressions, {1:0.#} % interval {2:+0.##;-0.##;0} to {3:+0.##;-0.##;0}, {4}";
    public const string ShipUnheld = "This campaign cannot tell whether to ship: the treatment model brings more ({0}), but the guardrail {1}";
    public const string Ship = "Ship: the treatment model brings more ({0}).";
    public const string RollBack = "Roll back: the treatment model brings less ({0}).";
    public const string CannotTell = "This campaign cannot tell the models apart: the interval covers 0 ({0}). {1}";
    public const string MoreDay = "About {0:N0} more campaign day of this size, with customers not reached yet, would show an effect as large as the one observed four times out of five.";
    public const string MoreDays = "About {0:N0} more campaign days of this size, with customers not reached yet, would show an effect as large as the one observed four times out of five.";
    public const string SoNearZero = "The observed effect is so near 0 that no sensible number of days more would tell.";
    public const string NotHeldEither = "{0} Not held either: {1}.";
    public const string Stopped = "The campaign was stopped on {0:yyyy-MM-dd HH:mm} UTC by {1}: the days after that are missing in both arms.";
    public const string VerdictStopped = "{0} The campaign was stopped on {1:yyyy-MM-dd HH:mm} UTC by {2}: the days after that are missing in both arms.";

    public const string GuardrailHeld = "{0} is not worse by {1} or more: its change is {2} {3}.";
    public const string GuardrailWorse = "{0} is worse than the margin allows: its change is {1} {2}, the margin {3}.";
    public const string GuardrailUnjudged = "{0} cannot be judged: {1}";
    public const string GuardrailOpen = "{0} is undecided: its change lies between {1} and {2}, the margin is {3}.";
    public const string GuardrailNotCounted = "Nobody counts \"{0}\" in this campaign.";
    public const string AtLeast = "at least";
    public const string AtMost = "at most";
    public const string NoInterval = "it has no interval.";

    public const string NoHeadlineKnown = "the headline cannot be computed.";
    public const string NobodyYet = "Nobody was exported yet.";
    public const string NotReachedUnknown = "The outcomes of customers who were not reached are not known here.";
    public const string NoFeed = "The outcomes of customers who were not reached are not known here, so only delivered lift can be shown.";
    public const string NoDeliveries = "The channel reports no deliveries.";
    public const string NewestChampion = "unavailable: the newest champion ranked each night, so there is no shadow plan of fixed models.";
    public const string OtherThanPlanned = "unavailable: what was exported differs from the arm's own plan for {0} customers.";

    public const string ArmsChanged = "{0} customers' stored arms were changed after the split.";
    public const string SplitCounts = "{0:N0} eligible customers in the control, {1:N0} in the treatment";
    public const string SplitUnproven = "{0}; the blocks were not recomputed from their seed, so the split is unproven.";
    public const string SplitProven = "{0}; every arm equals the one recomputed from the stored seed.";
    public const string SplitDiffers = "{0}; {1:N0} arms differ from those recomputed from the stored seed.";
    public const string SplitEmpty = "There are no eligible customers yet.";
    public const string SplitJudged = "{0}; {1} (p {2}).";
    public const string SplitUneven = "a 50/50 split does not give that";
    public const string SplitNearlyEven = "not quite a 50/50 split, but too near to one to matter";
    public const string SplitEven = "as a 50/50 split gives";
    public const string TableCounts = "{0:N0} of {1:N0} in the control, {2:N0} of {3:N0} in the treatment";
    public const string TableJudged = "{0}; {1} (Holm p {2}).";
    public const string TableUnlike = "chance does not explain this";
    public const string TableAlike = "alike";
    public const string TableNearlyAlike = "{0:0.####} % against {1:0.####} %: a difference too small to matter";
    public const string Unequal = "The arms' impressions differ in wave {0}: equal impressions are what makes the arms comparable.";
    public const string Filled = "Both arms were given the same number of impressions in every wave, as many as planned.";
    public const string Unfilled = "Both arms were given the same number of impressions; fewer than planned in wave {0}: {1:0.#} % in all.";
    public const string MuchUnfilled = "Both arms were given the same number of impressions; fewer than planned in wave {0}: {1:0.#} % in all, and a campaign below {2:0} % is not the one that was planned.";
    public const string LeftOut = "{0:N0} customers in both arms are left out, {1:0.##} % of the eligible; {2}.";
    public const string LeftOutMany = "that many change what is measured";
    public const string LeftOutFew = "too few to change what is measured";
    public const string Balance = "Of {0} covariates the arms differ most in {1}, by {2:0.000} standard deviations; {3}.";
    public const string Unbalanced = "beyond 0.1, and chance does not explain it";
    public const string TakenBefore = "Outcomes were last taken in at {0:yyyy-MM-dd HH:mm} UTC, before the last window closed at {1:yyyy-MM-dd HH:mm}: import the files since then.";
    public const string Silent = "No outcome is newer than {0:yyyy-MM-dd HH:mm} UTC; in the {1:0.#} days since then, about {2:N0} core conversions were to be expected: import the missing files.";
    public const string Age = "The newest outcome is {0:0} hours older than the time this counts to.";
    public const string OldAge = "The newest outcome is {0:0} hours older than the time this counts to: ask whether a file is missing.";
    public const string Delivered = "Deliveries were reported for every wave.";
    public const string Undelivered = "No delivery was reported for wave {0}: import the channel's file.";
    public const string OfTheControl = "{0:0} of the control";
    public const string OfTheTreatment = "{0:0} of the treatment";
    public const string Altered = "The wave of {0:yyyy-MM-dd} was published with {1:N0} impressions an arm; the stored plan of the {2} exports {3:N0} customers and its list {4}: somebody altered them.";
    public const string AlteredLists = "The wave of {0:yyyy-MM-dd} was published with {1:N0} impressions an arm; the stored plan of the {2} exports {3:N0} customers and its list {4} ({5:N0} such lists): somebody altered them.";
    public const string Listed = "has {0:N0}";
    public const string NotListed = "was not written";
    public const string Wave = "wave {0:0}";
    public const string Control = "control";
    public const string Treatment = "treatment";

    public const string Left = "{0:N0} ({1:N0} control, {2:N0} treatment) {3}.";
    public const string LeftBeforeImpression = "exported customers converted before their wave began: not counted as conversions of its impressions";
    public const string LeftAfterReport = "conversions are dated after the time of this report: not counted";
    public const string LeftEarlyLabels = "labels of the funnel are dated before their wave began: not counted";
    public const string LeftLateLabels = "labels of the funnel are dated after their wave's window closed: not counted";
    public const string LeftBothArms = "customers are in the other arm of another campaign at the same time, and a plan of each would reach them: left out of every number";
    public const string LeftNotExported = "deliveries went to customers whom that wave did not export: not counted as delivered";
    public const string LeftNotEligible = "{0:N0} deliveries went to customers who have no arm: not counted.";

    /// <summary>Names of checks, without the wave or the segment that may follow.</summary>
    public static IReadOnlyList<string> Checks { get; } =
    [
        "split", "arms changed", "impressions", "left out", "balance", "freshness", "deliveries", "plans changed", LiftCheck.Stopped, "exported and delivered", "reached by neither plan",
        "delivered but not exported", "reached by another campaign too", "in both arms", "eligible", "delivered of the exported",
    ];

    public static IReadOnlyList<string> All { get; } = [.. typeof(LiftSentences).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!)];

    internal static string Say(string sentence, params object?[] values) => string.Format(CultureInfo.InvariantCulture, sentence, values);
}
