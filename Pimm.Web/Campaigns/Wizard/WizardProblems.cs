using System.Globalization;
using Microsoft.Extensions.Localization;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Scoring;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>What keeps a form from being a campaign, field by field, in the order of the steps.</summary>
public sealed class WizardProblems
{
    private readonly List<WizardProblem> found = [];
    private readonly IStringLocalizer<WizardWords> L;

    private WizardProblems(IStringLocalizer<WizardWords> words) => L = words;

    /// <param name="audience">the chosen one; null: none is, or it is gone</param>
    public static IReadOnlyList<WizardProblem> Of(WizardForm form, Audience? audience, DateOnly today, IStringLocalizer<WizardWords> words)
    {
        var problems = new WizardProblems(words);
        problems.Objective(form);
        problems.OfAudience(form, audience);
        problems.Budget(form);
        problems.Models(form);
        problems.found.AddRange(FurtherProblems.Of(form, audience, today, words));
        return [.. problems.found.OrderBy(problem => WizardStep.Of(problem.Step).Number)];
    }

    private void Objective(WizardForm form)
    {
        Check("objective", "name", form.Name.Trim().Length is > 0 and <= 100, L["Give the campaign a name of 1 to 100 characters."]);
        Range("objective", "windowDays", WizardForm.Whole(form.WindowDays), 1, 366, form.WindowDays);
        if (form.PlannedConversions.Trim().Length > 0)
        {
            Range("objective", "plannedConversions", WizardForm.Whole(form.PlannedConversions), 1, 100_000_000, form.PlannedConversions);
        }
    }

    private void OfAudience(WizardForm form, Audience? audience)
    {
        Check("audience", "audience", audience is not null, L["Choose an audience."]);
        if (audience is not null)
        {
            for (var place = 0; place < form.Conditions.Count; place++)
            {
                Condition(form, audience, place);
            }
            Check("audience", "filterReason", form.FilterReason.Trim().Length is > 0 and <= 1000 || AudienceFilter.Sensitive(form.Filter, audience).Count == 0,
                L["Say in 1 to 1,000 characters why this attribute is filtered by: whoever approves reads it."]);
        }
        Check("audience", "consentPurpose", form.ConsentPurpose.Trim().Length <= 100, L["The purpose has at most 100 characters."]);
        Check("audience", "contactLimit", form.ContactLimit.Trim().Length > 0 == form.ContactDays.Trim().Length > 0, L["Give both numbers of the contact limit, or neither."]);
        if (form.ContactLimit.Trim().Length > 0)
        {
            Range("audience", "contactLimit", WizardForm.Whole(form.ContactLimit), 1, 1000, form.ContactLimit);
            Range("audience", "contactDays", WizardForm.Whole(form.ContactDays), 1, 366, form.ContactDays);
        }
        Percent("audience", "trafficPercent", WizardForm.Number(form.TrafficPercent), 100, form.TrafficPercent, least: 0.01);
    }

    private void Condition(WizardForm form, Audience audience, int place)
    {
        try
        {
            _ = new AudienceFilter([form.Conditions[place].ToCondition()], audience);
        }
        catch (InputException wrong)
        {
            found.Add(new("audience", $"condition{place}", wrong.Message));
        }
    }

    private void Budget(WizardForm form)
    {
        Range("budget", "impressionsPerDay", WizardForm.Whole(form.ImpressionsPerDay), 1, 100_000_000, form.ImpressionsPerDay);
        Check("budget", "startsOn", form.FirstDay is not null, L["Choose the first day."]);
        Range("budget", "days", WizardForm.Whole(form.Days), 1, 366, form.Days);
        Check("budget", "timeZone", TimeZoneInfo.TryFindSystemTimeZoneById(form.TimeZone.Trim(), out _), L["“{0}” is no time zone: use an IANA name such as Asia/Shanghai.", form.TimeZone]);
    }

    private void Models(WizardForm form)
    {
        Check("models", "control", form.Control.Length > 0, L["Choose the model line of the control arm."]);
        Check("models", "treatment", form.Treatment.Length > 0, L["Choose the model line of the treatment arm."]);
        Check("models", "treatment", form.Treatment.Length == 0 || form.Treatment != form.Control, L["Both arms have the same model line: choose two, or there is nothing to compare."]);
        Percent("models", "holdbackPercent", WizardForm.Number(form.HoldbackPercent), 50, form.HoldbackPercent);
        Percent("models", "explorationPercent", WizardForm.Number(form.ExplorationPercent), 50, form.ExplorationPercent);
        if (form.SplitMethod == "best-of")
        {
            Range("models", "splitCandidates", WizardForm.Whole(form.SplitCandidates), 1, 10_000, form.SplitCandidates);
        }
        if (form.RatePercent.Trim().Length > 0)
        {
            Check("models", "ratePercent", WizardForm.Number(form.RatePercent) is > 0 and < 100, L["“{0}” is no rate: give a number above 0 and below 100.", form.RatePercent]);
        }
    }

    private void Range(string step, string field, int? value, int least, int most, string typed) => Check(step, field, value >= least && value <= most, typed.Trim().Length == 0
        ? L["Give a whole number from {0} to {1}.", least.ToString("#,0", CultureInfo.InvariantCulture), most.ToString("#,0", CultureInfo.InvariantCulture)]
        : L["“{0}” does not do here: give a whole number from {1} to {2}.", typed.Trim(), least.ToString("#,0", CultureInfo.InvariantCulture), most.ToString("#,0", CultureInfo.InvariantCulture)]);

    private void Percent(string step, string field, double? value, double most, string typed, double least = 0) => Check(step, field, value >= least && value <= most,
        L["“{0}” does not do here: give a number from {1} to {2}.", typed.Trim(), least.ToString(CultureInfo.InvariantCulture), most.ToString(CultureInfo.InvariantCulture)]);

    private void Check(string step, string field, bool holds, string sentence)
    {
        if (!holds)
        {
            found.Add(new(step, field, sentence));
        }
    }
}
