using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Access;
using Pimm.Core.Allocating;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Pimm.Core.Exporting;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Database.Tests.KnownLift;
using Pimm.Database.Tests.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Approving;

public sealed class ApprovalTests(SmallCampaign world) : IClassFixture<SmallCampaign>
{
    private const string Author = "user:ann";
    private const string Approver = "user:bob";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ApprovalDesk Desk => world.Pimm.Service<ApprovalDesk>();

    private CampaignSteering Steering => world.Pimm.Service<CampaignSteering>();

    [Fact]
    public async Task What_one_person_made_another_approves_and_only_then_a_wave_is_selected()
    {
        var id = await ScoredAsync("two people", by: "ann");
        var draft = await RunAsync(AllocateWave.JobKind, id, "draft");
        var submission = await Desk.SubmitAsync(id, Author, "as agreed", Cancel);
        var waiting = await RunAsync(AllocateWave.JobKind, id, "waiting");
        var own = await world.Pimm.Service<LifeStore>().ReadAsync(id, "cli:Ann", Cancel);

        foreach (var same in (string[])[Author, "cli:ann", "ann", $"key:{await KeyOfAsync("user:ann")}"])
        {
            (await Should.ThrowAsync<InputException>(() => Desk.ApproveAsync(id, same, null, cancellationToken: Cancel)))
                .Message.ShouldBe($"{same} is the creator of campaign \"two people\" and cannot decide about it: ask somebody else.");
        }
        var record = await Desk.ApproveAsync(id, Approver, "fine", submission.Id, Cancel);
        var approved = await RunAsync(AllocateWave.JobKind, id, "approved");

        draft.Error.ShouldBe("Campaign \"two people\" is not approved: submit it, and let somebody else approve it (`pimm approvals list`).");
        waiting.Error!.ShouldContain($"let somebody other than its author approve it (`pimm approvals show {id}`).");
        (own!.State, own.MayApprove, own.WhyNot).ShouldBe((LifeStates.InReview, false, "You are the creator of this campaign: somebody else decides."));
        approved.State.ShouldBe(JobStates.Succeeded, approved.Error);
        record.DefinitionSha256.ShouldBe(Convert.ToHexStringLower((await world.Pimm.Service<DefinitionStore>().FindAsync(id, Cancel))!.Sha256));
        var scoring = (await world.Pimm.Service<ScoringStore>().NewestAsync(id, Cancel))!;
        (record.Seen!.Eligible, record.Seen.Scores, record.Seen.SplitCandidates, record.Simulated).ShouldBe((scoring.Customers, scoring.Id, 100, true));
        record.Seen.Overlap!.Value.ShouldBe(await OverlapAsync(scoring), 1e-9);
        (await world.Pimm.Service<SubmissionStore>().DecisionsAsync(id, Cancel)).ShouldHaveSingleItem().Record.ShouldBe(record.ToJson());
        (await world.Pimm.Service<LifeStore>().ReadAsync(id, Author, Cancel))!.State.ShouldBe(LifeStates.Completed, "its only days are over");
    }

    [Fact]
    public async Task A_campaign_in_review_is_locked_and_an_edit_revokes_its_approval()
    {
        var id = await ScoredAsync("edited", by: "ann");
        await Desk.SubmitAsync(id, Author, null, Cancel);
        var locked = await EditAsync(id, file => file with { WindowDays = 20 }, Author);
        await Desk.WithdrawAsync(id, "user:carol", Cancel);
        var edited = await EditAsync(id, file => file with { WindowDays = 20 }, "user:carol");
        await Desk.SubmitAsync(id, Author, null, Cancel);
        (await Should.ThrowAsync<InputException>(() => Desk.ApproveAsync(id, "user:carol", null, cancellationToken: Cancel))).Message.ShouldContain("user:carol is the last editor");
        await Desk.ApproveAsync(id, Approver, null, cancellationToken: Cancel);
        var revoked = await EditAsync(id, file => file with { WindowDays = 21, ImpressionsPerDay = 41 }, Author);
        var refused = await RunAsync(AllocateWave.JobKind, id, "revoked");
        await Desk.SubmitAsync(id, Author, null, Cancel);
        var sentBack = await Desk.RequestChangesAsync(id, Approver, "too many", cancellationToken: Cancel);

        (locked.Outcome, edited.Outcome, revoked.Outcome).ShouldBe((DraftOutcome.InReview, DraftOutcome.Changed, DraftOutcome.Changed));
        locked.Differences.ShouldBe(["windowDays"]);
        refused.Error.ShouldBe("Campaign \"edited\" was changed after it was submitted, which revokes the approval: submit it again.");
        sentBack.Changed.ShouldBe(["windowDays", "impressionsPerDay"]);
        (await Should.ThrowAsync<InputException>(() => Desk.RequestChangesAsync(id, Approver, " ", cancellationToken: Cancel))).Message.ShouldStartWith("Changes are requested without a comment");
        (await world.Pimm.Service<LifeStore>().ReadAsync(id, cancellationToken: Cancel))!.State.ShouldBe(LifeStates.ChangesRequested);
    }

    [Fact]
    public async Task The_database_itself_refuses_an_author_who_approves_and_any_change_of_what_was_recorded()
    {
        var id = await ScoredAsync("by hand", by: "ann");
        var submission = await Desk.SubmitAsync(id, Author, null, Cancel);
        await using var owner = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        const string insert = "insert into approval_decision (submission_id, decision, decided_by, decided_at, record) values (@Id, 'approved', @by, now(), '{}')";

        (await Should.ThrowAsync<PostgresException>(() => owner.ExecuteAsync(insert, new { submission.Id, by = "cli:ANN" }))).ConstraintName.ShouldBe("approval_needs_another");
        await owner.ExecuteAsync(insert, new { submission.Id, by = Approver });
        foreach (var change in (string[])["update approval_decision set comment = 'x'", "delete from approval_decision", "delete from campaign_submission"])
            (await Should.ThrowAsync<PostgresException>(() => owner.ExecuteAsync(change))).SqlState.ShouldBe("42501");
    }

    [Fact]
    public async Task A_paused_campaign_selects_nothing_and_goes_on_when_resumed()
    {
        var id = await ScoredAsync("paused", by: "ann");
        await world.Pimm.ApproveAsync(id, Cancel);
        await Steering.PauseAsync(id, Author, "price error", Cancel);
        var asked = await RunAsync(AllocateWave.JobKind, id, "asked");
        var scheduled = await RunAsync(AllocateWave.JobKind, id, "scheduled", new WaveRequest(OnItsDayOnly: true));
        await Steering.ResumeAsync(id, Approver, null, Cancel);
        var resumed = await RunAsync(AllocateWave.JobKind, id, "resumed");

        asked.Error!.ShouldMatch($"^Campaign \"paused\" is paused since .* by user:ann: resume it first \\(`pimm campaigns resume {id}`\\)\\.$");
        (scheduled.State, scheduled.Result!).ShouldSatisfyAllConditions(it => it.State.ShouldBe(JobStates.Succeeded), it => it.Item2.ShouldContain("nothing to do: the campaign is paused since"));
        resumed.State.ShouldBe(JobStates.Succeeded, resumed.Error);
        (await Should.ThrowAsync<InputException>(() => Steering.ResumeAsync(id, Author, null, Cancel))).Message.ShouldContain("only a paused campaign can be resumed");
    }

    [Fact]
    public async Task A_stop_by_one_person_takes_back_lists_that_are_being_written_and_is_final()
    {
        // A world of this test's own: its worker stops.
        await using var own = new SmallCampaign();
        await own.InitializeAsync();
        world = own;
        var id = await ScoredAsync("stopped", by: "ann");
        await world.Pimm.ApproveAsync(id, Cancel);
        (await RunAsync(AllocateWave.JobKind, id, "first")).Error.ShouldBeNull();
        await world.Pimm.StopWorkerAsync();
        var queue = world.Pimm.Service<JobQueue>();
        var before = Directory.GetFiles(Path.Combine(world.Pimm.Folder, "exports"));
        var waits = await queue.EnqueueAsync(new JobRequest(AllocateWave.JobKind, "never", new { }, id), Cancel);
        var export = await queue.EnqueueAsync(new JobRequest(ExportWave.JobKind, "stopped", new { }, id), Cancel);
        var stopped = 0;
        JobRun refused;
        await using (await FaultyWorker.StartAsync(world.Pimm, [ExportWave.JobKind], (_, point) =>
        {
            if (point == "export.renamed" && Interlocked.Exchange(ref stopped, 1) == 0)
                Steering.StopAsync(id, Author, "wrong audience", Cancel).GetAwaiter().GetResult().ShouldBe([waits, export], ignoreOrder: true);
        }))
        {
            refused = await queue.WaitAsync(export, Cancel);
        }

        refused.State.ShouldBeOneOf(JobStates.Failed, JobStates.Cancelled);
        (await queue.GetAsync(waits, Cancel)).State.ShouldBe(JobStates.Cancelled);
        (await world.Pimm.Service<ExportStore>().ListsAsync(id, Cancel)).ShouldBeEmpty();
        Directory.GetFiles(Path.Combine(world.Pimm.Folder, "exports")).ShouldBe(before, ignoreOrder: true);
        (await world.Pimm.Service<LifeStore>().ReadAsync(id, cancellationToken: Cancel))!.State.ShouldBe(LifeStates.Stopped);
        (await Should.ThrowAsync<InputException>(() => Steering.StopAsync(id, Author, null, Cancel))).Message.ShouldBe("Campaign \"stopped\" is stopped already.");
        (await Should.ThrowAsync<InputException>(() => Desk.SubmitAsync(id, Author, null, Cancel))).Message.ShouldContain("is stopped: there is nothing left to approve");
    }

    private async Task<long> ScoredAsync(string name, string by)
    {
        // Nothing is over yet, but for the story that wants it to be.
        var today = world.Campaign.DateOf(TimeProvider.System.GetUtcNow());
        var campaign = world.Campaign with { Name = name, Salt = name, CreatedBy = by, ImpressionsPerDay = 40, StartsOn = name == "two people" ? world.Campaign.StartsOn : today, Days = 3 };
        var id = await world.Pimm.Service<CampaignStore>().CreateAsync(campaign, Cancel);
        (await RunAsync(ScoreCampaign.JobKind, id, "score")).Error.ShouldBeNull();
        return id;
    }

    private Task<JobRun> RunAsync(string kind, long campaign, string key, WaveRequest? request = null) =>
        world.Pimm.RunAsync(new JobRequest(kind, $"{campaign} {key}", (object?)request ?? new { }, campaign, kind == AllocateWave.JobKind && request is not null ? world.Campaign.DateOf(TimeProvider.System.GetUtcNow()) : null), Cancel);

    private async Task<DraftChange> EditAsync(long id, Func<CampaignFile, CampaignFile> change, string by)
    {
        var now = (await world.Pimm.Service<DefinitionStore>().FindAsync(id, Cancel))!;
        return await world.Pimm.Service<CampaignDrafts>().ReplaceAsync(id, now.Tag, change(now.File), by, Cancel);
    }

    private async Task<string> KeyOfAsync(string by) =>
        (await world.Pimm.Service<KeyAdministration>().CreateAsync("script of the author", [ApiScopes.CampaignsWrite], 1, by, Cancel)).Key.Prefix;

    private async Task<double> OverlapAsync(ScoringRun scoring)
    {
        var scores = await world.Pimm.Service<ScoringStore>().ScoresAsync(scoring.Id, Cancel);
        var control = scores.OrderByDescending(score => score.Control).ThenBy(score => score.Customer).Take(80).Select(score => score.Customer);
        var treatment = scores.OrderByDescending(score => score.Treatment).ThenBy(score => score.Customer).Take(80).Select(score => score.Customer);
        return control.Intersect(treatment).Count() / 80.0;
    }
}
