using System.Reflection;
using Pimm.Core.Campaigns;
using Pimm.Core.Queueing;
using static Pimm.Core.Lift.LiftSentences;

namespace Pimm.Core.Lift;

/// <summary>True values of a simulated campaign, null for a real one: Simulating knows them, the report shows them beside the estimates.</summary>
public delegate Task<LiftTruth?> TruthOfCampaign(
    Campaign campaign, LiftInput input, IReadOnlyList<CampaignCustomer> customers, CancellationToken cancellationToken);

/// <summary>What a run of the kind "lift" is asked to do.</summary>
/// <param name="AskedBy">who wants the report; null: nobody said so</param>
public sealed record LiftRequest(string? AskedBy = null)
{
    /// <summary>The instant that the report is about, where a simulated campaign is ahead of the clock; null, or earlier: now.</summary>
    public DateTimeOffset? AsOf { get; init; }
}

/// <summary>Computes a campaign's lift report as of now and keeps it as its next version; earlier versions stay as they were.</summary>
public sealed class MeasureLift(LiftInputReader inputs, LiftStore lifts, LifeStore lives, TruthOfCampaign truth, TimeProvider time) : IJob
{
    public const string JobKind = "lift";

    public string Kind => JobKind;

    public async Task RunAsync(JobExecution run, CancellationToken cancellationToken)
    {
        run.Report(0.1, "reading assignments, plans and outcomes");
        var (request, now) = (run.ReadArguments<LiftRequest>(), time.GetUtcNow());
        var (measured, input) = await inputs.ReadAsync(run.RequiredCampaignId, request.AsOf > now ? request.AsOf.Value : now, cancellationToken);
        if (request.AsOf > now && !input.Simulated)
        {
            throw new InputException($"The report is asked for as of {request.AsOf:u}, which lies ahead: only a simulated campaign has a time of its own.");
        }

        if (request.AsOf > now)
        {
            // A market ahead of the clock has its files when it has them there.
            input = input with { OutcomesReceived = input.OutcomesReceived + (request.AsOf - now) };
        }

        run.Report(0.5, "computing the report");
        var report = LiftReporter.Report(input with { Truth = await truth(measured.Campaign, input, measured.Customers, cancellationToken) });
        if (await lives.ReadAsync(measured.Campaign.Id, cancellationToken: cancellationToken) is { StoppedAt: { } at, StoppedBy: { } by })
        {
            var stopped = LiftSentences.Say(LiftSentences.Stopped, at, by);
            report = report with
            {
                Checks = [.. report.Checks, new LiftCheck(LiftCheck.Stopped, null, false, stopped)],
                Verdict = report.Verdict is { } verdict ? verdict with { Sentence = LiftSentences.Say(LiftSentences.VerdictStopped, verdict.Sentence, at, by) } : null,
            };
        }
        var origin = new LiftOrigin(0, run.RunId, request.AskedBy, CodeVersion, input.Intake);

        await run.CompleteAsync(
            new { verdict = report.Verdict?.Status, headline = report.Number(LiftKeys.Extra).Estimate },
            connection => lifts.AddAsync(connection, measured.Campaign.Id, report, origin), cancellationToken);
    }

    private static string CodeVersion =>
        typeof(MeasureLift).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
