using Microsoft.Extensions.Localization;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Importing;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>What all steps of one open wizard share.</summary>
/// <param name="changed">told after every change of the form</param>
public sealed class WizardState(WizardForm form, IStringLocalizer<WizardWords> words, DateOnly today, Func<Task> changed) : IDisposable
{
    public const double Power = 0.8;

    public WizardForm Form { get; private set; } = form;

    public DateOnly Today { get; } = today;

    /// <summary>The campaign that is being changed; 0: a new one.</summary>
    public long CampaignId { get; init; }

    public IReadOnlyList<AudienceChoice> Audiences { get; init; } = [];

    public Audience? Audience { get; private set; }

    public IReadOnlyList<LineOffer> Lines { get; private set; } = [];

    public double? PastRate { get; private set; }

    public LiveCount Count { get; } = new();

    public IReadOnlyList<WizardProblem> Problems { get; private set; } = [];

    /// <summary>What other campaigns had when the review was opened.</summary>
    public IReadOnlyList<CampaignClash> Clashes { get; private set; } = [];

    /// <summary>The definition that was approved last; null: none was.</summary>
    public CampaignFile? Approved { get; private set; }

    /// <summary>Id of the field that takes the keyboard as soon as it is drawn.</summary>
    public string? Focus { get; set; }

    public AudienceChoice? Chosen => Audiences.FirstOrDefault(choice => choice.Name == Form.Audience);

    public LineOffer? ControlLine => Lines.FirstOrDefault(line => line.Choice == Form.Control);

    public LineOffer? TreatmentLine => Lines.FirstOrDefault(line => line.Choice == Form.Treatment);

    public ChannelProfile Profile => ChannelProfile.All.FirstOrDefault(profile => profile.Name == Form.Channel) ?? ChannelProfile.GenericCsv;

    public EligibilityForecast? Found => Count.Found;

    /// <summary>Eligible customers of one arm, as the count has them.</summary>
    public long? PerArm => Found?.Eligible / 2;

    /// <summary>Core conversions of a customer: as typed, or as history has them.</summary>
    public double? Rate => WizardForm.Number(Form.RatePercent) is > 0 and < 100 and var typed ? typed / 100 : PastRate is > 0 and < 1 ? PastRate : null;

    public double Holdback => (WizardForm.Number(Form.HoldbackPercent) ?? 10) / 100;

    /// <summary>Customers whom one arm reaches in all its waves: never more than there are unflagged ones.</summary>
    public long? Reached => Form.Total is { } total && PerArm is { } arm ? Math.Min(total, (long)(arm * (1 - Holdback))) : null;

    /// <summary>Smallest relative lift over eligible customers that is found with a power of 80 % at 5 %; null: none, or too little is known.</summary>
    public double? DetectableLift => Rate is { } rate && PerArm is > 1 and var arm ? PowerPlan.OfRate(rate).MinimumDetectableLift(arm, Power) : null;

    /// <summary>The same as extra core conversions per 1,000 impressions.</summary>
    public double? DetectableExtra => DetectableLift is { } lift && Reached is > 0 and var reached ? 1000 * ((double)PerArm!.Value / reached) * Rate!.Value * lift : null;

    /// <summary>Smallest increment of one arm per 1,000 impressions that is told from nothing, exported against held back.</summary>
    public double? DetectableIncrement => Rate is { } rate && Reached is > 0 and var reached && Holdback > 0
        ? 2.8 * 1000 * Math.Sqrt((rate * (1 - rate) / reached) + (rate * (1 - rate) * (1 - Holdback) / (Holdback * reached))) : null;

    /// <summary>What the step has to say of a field; nothing before somebody has been through.</summary>
    public string? ProblemOf(string step, string field) =>
        Form.Seen.Contains(step) ? Problems.FirstOrDefault(problem => problem.Step == step && problem.Field == field)?.Sentence : null;

    /// <summary>As above, of any of the fields.</summary>
    public bool HasProblem(string step, Func<string, bool> fields) => Form.Seen.Contains(step) && Problems.Any(problem => problem.Step == step && fields(problem.Field));

    public bool IsComplete(string step) => Problems.All(problem => problem.Step != step);

    /// <summary>Why it was not submitted; gone with the next change.</summary>
    public string? Refusal { get; set; }

    public Task SetAsync(Action write)
    {
        write();
        Refusal = null;
        Judge();
        return changed();
    }

    /// <summary>Another form in the place of this one: what somebody else made of the campaign.</summary>
    public void Replace(WizardForm other)
    {
        Form = other;
        Judge();
    }

    public void Judge() => Problems = WizardProblems.Of(Form, Audience, Today, words);

    /// <summary>Reads what belongs to the chosen audience; choices that it does not offer go.</summary>
    public async Task ReadAsync(WizardRoom room)
    {
        Audience = await room.AudienceAsync(Form.Audience);
        (Lines, PastRate) = Audience is null ? ([], null) : (await room.LinesAsync(Audience), await room.PastRateAsync(Audience));
        Form.Control = ControlLine is null ? "" : Form.Control;
        Form.Treatment = TreatmentLine is null ? "" : Form.Treatment;
        Judge();
    }

    /// <summary>Reads what the review is held against.</summary>
    public async Task ReviewAsync(WizardRoom room)
    {
        Approved = await room.ApprovedAsync(CampaignId);
        Clashes = Audience is null ? [] : await room.ClashesAsync(Form.ToCounted(CampaignId, Audience, Today));
    }

    public void Dispose() => Count.Dispose();
}
