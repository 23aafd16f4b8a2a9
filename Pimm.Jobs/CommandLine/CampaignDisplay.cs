using System.Globalization;
using System.Text.Json;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Scoring;

namespace Pimm.Jobs.CommandLine;

/// <summary>What `campaigns show` prints.</summary>
internal static class CampaignDisplay
{
    private sealed record Remaining(string Step, long Customers);

    public static async Task ShowAsync(Invocation call, long id, CancellationToken cancellationToken)
    {
        var campaign = await call.Service<CampaignStore>().GetAsync(id, cancellationToken);
        var stages = await call.Service<CampaignStore>().StagesAsync(campaign.Id, cancellationToken);
        var allocation = await call.Service<AllocationStore>().FindAsync(campaign.Id, cancellationToken);
        var scorings = call.Service<ScoringStore>();
        var scoring = allocation is null ? await scorings.NewestAsync(campaign.Id, cancellationToken) : await scorings.FindAsync(allocation.ScoringId, cancellationToken);
        var exclusions = scoring is null ? [] : JsonSerializer.Deserialize<Remaining[]>(scoring.Exclusions, JsonSerializerOptions.Web)!;
        var balance = allocation is null ? null : SplitBalance.FromJson(allocation.Balance);
        call.Print(
            new
            {
                campaign, stages, exclusions,
                allocation = allocation is null ? null : new
                {
                    allocation.ScoringId, allocation.Method, candidates = allocation.Imbalances.Length, allocation.Winner, allocation.ControlCustomers,
                    allocation.TreatmentCustomers, note = allocation.UnequalArms, allocation.AllocatedAt, balance,
                },
            },
            lines =>
            {
                WriteDefinition(lines, campaign, stages);
                if (exclusions.Length > 0)
                {
                    lines.WriteLine($"Eligible: {string.Join(" → ", exclusions.Select(e => string.Create(CultureInfo.InvariantCulture, $"{e.Step} {e.Customers:N0}")))}");
                }
                if (allocation is not null)
                {
                    WriteSplit(lines, allocation, balance!);
                }
            });
    }

    private static void WriteDefinition(TextWriter lines, Campaign campaign, IReadOnlyList<CampaignStage> stages)
    {
        lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{campaign.Name}: {campaign.Days} days from {campaign.StartsOn:yyyy-MM-dd} ({campaign.TimeZone}), {campaign.ImpressionsPerDay:N0} impressions a day and arm, window {campaign.WindowDays} days"));
        foreach (var stage in stages)
        {
            lines.WriteLine(FormattableString.Invariant($"  {stage.Ordinal} {stage.Stage,-11} {stage.State,-9} {stage.Quantity:N0} {stage.Unit} {(stage.State == "done" ? "" : $"{stage.Message} {stage.Error}")}").TrimEnd());
        }
        var (candidates, covariates) = (campaign.SplitCandidates, string.Join(", ", campaign.Covariates));
        List<string> parts =
        [
            campaign.SplitMethod switch
            {
                "plain" => "a plain hash",
                "blocks" => $"blocks within deciles of {campaign.Covariates[0]}",
                _ => FormattableString.Invariant($"best of {candidates:N0} on {covariates}"),
            },
        ];
        if (campaign.TrafficShare < 1)
            parts.Add(FormattableString.Invariant($"{campaign.TrafficShare:0.##%} of the audience"));
        if (campaign.Layer is not null)
            parts.Add(FormattableString.Invariant($"layer \"{campaign.Layer}\" from {campaign.LayerFrom:N0} to {campaign.LayerTo:N0} of {Campaign.LayerParts:N0}"));
        if (campaign.ContactLimit is not null)
            parts.Add(FormattableString.Invariant($"nobody reached {campaign.ContactLimit} times in {campaign.ContactDays} days"));
        if (campaign.CopyOf is not null)
            parts.Add(FormattableString.Invariant($"campaign {campaign.CopyOf} again"));
        lines.WriteLine($"Split: {string.Join("; ", parts)}");
    }

    private static void WriteSplit(TextWriter lines, Allocation allocation, SplitBalance balance)
    {
        lines.WriteLine(allocation.UnequalArms ?? FormattableString.Invariant($"Arms: {allocation.ControlCustomers:N0} eligible customers in each"));
        if (balance.Attributes is not { Count: > 0 } attributes)
            return;
        lines.WriteLine("Balance (standardised differences: a plain hash → this split)");
        foreach (var attribute in attributes)
        {
            var name = attribute.Level is null ? attribute.Name : FormattableString.Invariant($"{attribute.Name} = {attribute.Level} ({attribute.Share:0%})");
            lines.WriteLine($"  {name,-40} {Shown(attribute.Before),8} → {Shown(attribute.After),8}");
        }
    }

    private static string Shown(double? difference) => difference is { } d ? d.ToString("+0.0000;-0.0000;0.0000", CultureInfo.InvariantCulture) : "constant";
}
