using Microsoft.Extensions.Localization;
using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;
using Pimm.Web.Shared;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>Something that was looked at before a campaign is submitted.</summary>
/// <param name="Look">good, warn or bad; with a bad one nothing is submitted</param>
/// <param name="Step">where it is mended</param>
public sealed record WizardCheck(string Look, string Step, string Text)
{
    public const string Good = "good";
    public const string Warn = "warn";
    public const string Bad = "bad";

    /// <summary>Of the whole form, in the order of the steps; computed, never ticked by hand.</summary>
    public static IReadOnlyList<WizardCheck> All(WizardState state, IStringLocalizer<WizardWords> L) =>
    [
        .. state.Problems.Select(problem => new WizardCheck(Bad, problem.Step, problem.Sentence)),
        .. state.Clashes.Select(clash => Of(clash, state.Form, L)), .. Audience(state, L), .. Budget(state, L), .. Models(state, L),
    ];

    /// <summary>What the budget is worth against the candidates.</summary>
    public static IEnumerable<WizardCheck> Budget(WizardState state, IStringLocalizer<WizardWords> L)
    {
        var form = state.Form;
        if (WizardForm.Whole(form.ImpressionsPerDay) is not { } perDay)
        {
            yield break;
        }
        if (perDay < state.Profile.SmallestList)
        {
            yield return new(Bad, "budget", L["{0} a day is under the {1} that {2} needs before it can use a list.", Figures.Count(perDay), Figures.Count(state.Profile.SmallestList), state.Profile.Name]);
        }
        if (state.PerArm is { } arm)
        {
            if (perDay > arm)
            {
                yield return new(Bad, "budget", L["N is {0}, but an arm has about {1} candidates: no day could be filled.", Figures.Count(perDay), Figures.Count(arm)]);
            }
            else if (form.Total is { } total && total > arm * (1 - state.Holdback))
            {
                yield return new(Warn, "budget", L["The candidates last for about {0} of {1} days: {2} of an arm are left when the hold-back is taken off. The days after are cut in both arms.",
                    (int)(arm * (1 - state.Holdback) / perDay), form.Days, Figures.Count((long)(arm * (1 - state.Holdback)))]);
            }
            else
            {
                yield return new(Good, "budget", L["The candidates are enough for every day."]);
            }
            if (state.Found?.Reachable is { } reachable && form.Total * 2 > reachable)
            {
                yield return new(Warn, "channel", L["Only {0} candidates have an identifier that {1} takes: lists will be shorter than N.", reachable < 10 ? L["fewer than 10"].Value : Figures.Count(reachable), state.Profile.Name]);
            }
        }
        if (form.FirstDay < state.Today)
        {
            yield return new(Warn, "budget", L["The first day, {0}, is over.", Figures.Day(form.FirstDay.Value)]);
        }
    }

    // Submitting would be refused with the same.
    private static WizardCheck Of(CampaignClash clash, WizardForm form, IStringLocalizer<WizardWords> L) => clash.What switch
    {
        CampaignClash.OfName => new(Bad, "objective", L["There is a campaign named “{0}” already: choose another name.", clash.Campaign]),
        CampaignClash.OfSalt => new(Bad, "models", L["The salt was used by campaign “{0}” before: choose a new one, or the new arms carry over what the old ones saw.", clash.Campaign]),
        _ => new(Bad, "audience", L["Campaign “{0}” has {1} to {2} of the layer “{3}” until {4}: choose a free range, another layer, or days after that.",
            clash.Campaign, Figures.Count(clash.LayerFrom!.Value), Figures.Count(clash.LayerTo!.Value), form.Further.Layer.Trim(), Figures.Moment(clash.Until!.Value)]),
    };

    private static IEnumerable<WizardCheck> Audience(WizardState state, IStringLocalizer<WizardWords> L)
    {
        if (state.Count.Failure is { } failure)
        {
            yield return new(Bad, "audience", L["The count failed: {0}", failure]);
        }
        else if (state.Found is { } found)
        {
            yield return found.Eligible < 10
                ? new(Bad, "audience", L["Fewer than 10 customers are left: widen the filter."])
                : new(Good, "audience", L["{0} candidates, counted by the export's own query.", Figures.Count(found.Eligible)]);
        }
        if (state.Audience is { } audience && AudienceFilter.Sensitive(state.Form.Filter, audience) is { Count: > 0 } sensitive && state.Form.FilterReason.Trim().Length > 0)
        {
            yield return new(Warn, "audience", L["The filter uses {0}; the reason goes to whoever approves.", string.Join(", ", sensitive.Select(column => column.Name))]);
        }
        if (state.Profile.NeedsIdentifier && state.Form.ConsentPurpose.Trim().Length == 0)
        {
            yield return new(Warn, "audience", L["No consent is asked for, and {0} is another company.", state.Profile.Name]);
        }
    }

    private static IEnumerable<WizardCheck> Models(WizardState state, IStringLocalizer<WizardWords> L)
    {
        foreach (var line in new[] { state.ControlLine, state.TreatmentLine }.OfType<LineOffer>())
        {
            yield return line.Version is null
                ? new(Warn, "models", L["{0} has no champion yet: train it before the first wave.", line.Name])
                : new(Good, "models", L["{0} has a champion, version {1}.", line.Name, line.Version]);
        }
        if (state.Holdback == 0)
        {
            yield return new(Warn, "models", L["Nobody is held back: what each arm's ads bring by themselves stays unknown."]);
        }
        if (state.DetectableLift is { } lift)
        {
            yield return new(lift > 0.5 ? Warn : Good, "models", L["A relative lift of {0} over eligible customers would be found with a power of 80 %.", Figures.Percent(lift)]);
        }
    }
}
