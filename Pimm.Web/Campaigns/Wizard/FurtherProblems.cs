using System.Globalization;
using Microsoft.Extensions.Localization;
using Pimm.Core;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>What is wrong with the part of a form that most people leave as it is.</summary>
public static class FurtherProblems
{
    /// <param name="audience">the chosen one; null: what needs it is not looked at</param>
    public static IEnumerable<WizardProblem> Of(WizardForm form, Audience? audience, DateOnly today, IStringLocalizer<WizardWords> L) =>
        [.. Guardrails(form.Further, audience, L), .. Results(form.Further, audience, L), .. Layer(form.Further, L), .. Split(form, audience, today, L)];

    private static IEnumerable<WizardProblem> Guardrails(FurtherForm form, Audience? audience, IStringLocalizer<WizardWords> L)
    {
        for (var place = 0; place < form.Guardrails.Count; place++)
        {
            var one = form.Guardrails[place];
            var wrong = WizardForm.Number(one.MarginPercent) is not (> 0 and < 100) ? L["“{0}” is no margin: give a number of percent above 0 and below 100.", one.MarginPercent.Trim()].Value
                : form.Guardrails.Take(place).Any(other => other.Metric == one.Metric) ? L["This number has a guardrail already."].Value
                : Refusal(() => Guardrail.Check([one.ToGuardrail()], audience?.Funnel));
            if (wrong is not null)
            {
                yield return new("objective", $"guardrail{place}", wrong);
            }
        }
    }

    private static IEnumerable<WizardProblem> Results(FurtherForm form, Audience? audience, IStringLocalizer<WizardWords> L)
    {
        if (form.Segments.Count > Campaign.MostSegments)
        {
            yield return new("objective", "segments", L["Choose at most {0}.", Campaign.MostSegments]);
        }
        else if (audience is not null && Refusal(() => CampaignSplitter.CheckSegments(form.Segments, audience)) is { } unknown)
        {
            yield return new("objective", "segments", unknown);
        }
    }

    private static IEnumerable<WizardProblem> Layer(FurtherForm form, IStringLocalizer<WizardWords> L)
    {
        var (name, from, to) = (form.Layer.Trim(), WizardForm.Whole(form.LayerFrom), WizardForm.Whole(form.LayerTo));
        if (name.Length == 0 && form.LayerFrom.Trim().Length + form.LayerTo.Trim().Length > 0)
        {
            yield return new("audience", "layer", L["A range without a layer leaves nobody out: name the layer, or empty the range."]);
        }
        else if (name.Length > 0 && !(from < to && to <= Campaign.LayerParts))
        {
            yield return new("audience", "layerFrom", L["Give two whole numbers, the first below the second, from 0 to {0}.", Campaign.LayerParts.ToString("#,0", CultureInfo.InvariantCulture)]);
        }
    }

    private static IEnumerable<WizardProblem> Split(WizardForm form, Audience? audience, DateOnly today, IStringLocalizer<WizardWords> L)
    {
        if (form.Further.Covariates.Count is < 1 or > 3)
        {
            yield return new("models", "covariates", L["Choose one to three: more dilute each other."]);
        }
        else if (audience is not null && Refusal(() => CampaignSplitter.CheckCovariates(form.ToCounted(0, audience, today), audience)) is { } unknown)
        {
            yield return new("models", "covariates", unknown);
        }
        if (form.Further.Salt.Trim() is var salt && (salt.Length > 200 || salt.StartsWith("layer/", StringComparison.Ordinal)))
        {
            yield return new("models", "salt", L["Give a salt of at most 200 characters that does not begin with “layer/”, or none."]);
        }
    }

    private static string? Refusal(Action check)
    {
        try
        {
            check();
            return null;
        }
        catch (InputException wrong)
        {
            return wrong.Message;
        }
    }
}
