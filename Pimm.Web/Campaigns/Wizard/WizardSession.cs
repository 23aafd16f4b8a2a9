using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using Pimm.Core;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;

namespace Pimm.Web.Campaigns.Wizard;

/// <summary>The unfinished campaign of one page: opened, kept while somebody types, submitted, thrown away.</summary>
public sealed class WizardSession(WizardRoom room, EligibilityQuestions questions, WizardActions actions, UnfinishedCampaignStore unfinished, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly SemaphoreSlim saving = new(1, 1);
    private CancellationTokenSource? waiting;
    private ClaimsPrincipal person = new();
    private WizardForm? unsaved;

    public WizardRoom Room => room;

    public EligibilityQuestions Questions => questions;

    public UnfinishedCampaign Draft { get; private set; } = new(0, "", null, null, "", "{}", default);

    public bool IsSaved => unsaved is null;

    public string? SaveFailure { get; private set; }

    /// <summary>What two counts of the same answer have in common.</summary>
    public static string QuestionOf(Campaign campaign) => JsonSerializer.Serialize(new { Definition = campaign.ScoredDefinition(), campaign.Id, Salt = campaign.TrafficShare < 1 ? campaign.Salt : null });

    /// <exception cref="InputException">there is no such draft of this person, no such campaign, or its customers are split</exception>
    public async Task<WizardForm> OpenAsync(ClaimsPrincipal who, long? draftId, long? campaignId)
    {
        await FlushAsync();
        person = who;
        var owner = who.Identity?.Name ?? "";
        Draft = new(0, owner, campaignId, null, "", "{}", default);
        if (campaignId is { } campaign)
        {
            var definition = await room.DefinitionAsync(campaign) ?? throw new InputException(string.Create(CultureInfo.InvariantCulture, $"There is no campaign {campaign}: it may have been made in another installation."));
            if (definition.Split)
            {
                throw new InputException($"The customers of campaign \"{definition.Campaign.Name}\" are split: its definition is never changed. Duplicate it to start it again.");
            }
            Draft = await unfinished.OfCampaignAsync(campaign, owner) ?? Draft with { BaseTag = definition.Tag };
            return Draft.Id != 0 ? WizardForm.Parse(Draft.Form) : FormOf(definition);
        }
        if (draftId is { } id)
        {
            Draft = await unfinished.FindAsync(id, owner) ?? throw new InputException(string.Create(CultureInfo.InvariantCulture, $"You have no draft {id}: it was submitted or thrown away, or it is somebody else's."));
            return WizardForm.Parse(Draft.Form);
        }
        return new WizardForm();
    }

    /// <summary>Keeps the form when nothing was typed for half a second.</summary>
    public void SaveSoon(WizardForm form, Func<Task> saved)
    {
        unsaved = form;
        waiting?.Cancel();
        _ = SaveAfterAsync((waiting = new CancellationTokenSource()).Token, saved);
    }

    /// <summary>Keeps at once what waits to be kept.</summary>
    public async Task FlushAsync()
    {
        waiting?.Cancel();
        await saving.WaitAsync();
        try
        {
            if (unsaved is not { } form)
            {
                return;
            }
            unsaved = null;
            var draft = Draft with { Name = form.Name, Form = form.ToJson() };
            var id = await actions.SaveAsync(person, draft);
            Draft = id == 0 ? throw new InputException("The draft was submitted or thrown away in another window.") : draft with { Id = id, SavedAt = time.GetUtcNow() };
            SaveFailure = null;
        }
        catch (Exception error)
        {
            SaveFailure = Pimm.Core.Database.PostgresErrors.Translate(error).Message;
        }
        finally
        {
            saving.Release();
        }
    }

    /// <summary>What the form describes, and the lines that are meant.</summary>
    public (CampaignFile File, ChosenLines Lines) Describe(WizardState state)
    {
        var (form, control, treatment) = (state.Form, state.ControlLine!, state.TreatmentLine!);
        var (first, second) = (LineDescription.Of(control.Network, control.Settings), LineDescription.Of(treatment.Network, treatment.Settings));
        return (form.ToFile(state.Today, first.Network, second.Network, first.Settings, second.Settings), new ChosenLines(form.Line(form.Control), form.Line(form.Treatment)));
    }

    public async Task<Submitted> SubmitAsync(ClaimsPrincipal who, CampaignFile file, ChosenLines lines, string comment)
    {
        await FlushAsync();
        return await actions.SubmitAsync(who, Draft, file, lines, comment.Trim() is { Length: > 0 } said ? said : null);
    }

    /// <summary>The change begins anew with what the campaign is now.</summary>
    public WizardForm Take(CampaignDefinition theirs)
    {
        BeginFrom(theirs);
        return FormOf(theirs);
    }

    /// <summary>What was typed stays, and is laid over what the campaign is now.</summary>
    public void BeginFrom(CampaignDefinition theirs) => Draft = Draft with { BaseTag = theirs.Tag };

    public async Task DiscardAsync(ClaimsPrincipal who)
    {
        waiting?.Cancel();
        unsaved = null;
        await actions.DiscardAsync(who, Draft.Id);
    }

    private static WizardForm FormOf(CampaignDefinition definition) => WizardForm.Of(definition.File, definition.Campaign.ControlLineId, definition.Campaign.TreatmentLineId);

    private async Task SaveAfterAsync(CancellationToken cancellation, Func<Task> saved)
    {
        await Task.Delay(Pause, cancellation).ContinueWith(_ => { }, CancellationToken.None);
        if (!cancellation.IsCancellationRequested)
        {
            await FlushAsync();
            await saved();
        }
    }
}
