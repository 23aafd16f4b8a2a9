using Npgsql;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Database;
using Pimm.Core.Importing;
using Pimm.Core.Scoring;

namespace Pimm.Core.Lift;

/// <summary>Reads the attributes that a campaign's report is broken down by, as they were when its customers were scored.</summary>
public sealed class SegmentReader(NpgsqlDataSource database, ScoringStore scorings)
{
    /// <param name="customers">in the order of the stored customers; some may be left out</param>
    /// <exception cref="InputException">the audience has no such attribute</exception>
    public async Task<IReadOnlyList<SegmentColumn>> ReadAsync(
        Campaign campaign, Audience audience, long scoringId, IReadOnlyList<CampaignCustomer> customers, CancellationToken cancellationToken)
    {
        var names = campaign.Segments ?? [];
        CampaignSplitter.CheckSegments(names, audience);
        var columns = names.All(IsScore) ? [] : await ColumnsAsync(names, audience, scoringId, customers, cancellationToken);
        return [.. names.Select((name, i) => name switch
        {
            Campaign.ControlScore => SegmentColumn.OfNumbers(name, [.. customers.Select(customer => customer.Measured.ControlScore)]),
            Campaign.TreatmentScore => SegmentColumn.OfNumbers(name, [.. customers.Select(customer => customer.Measured.TreatmentScore)]),
            _ => columns[i],
        })];
    }

    private static bool IsScore(string name) => name is Campaign.ControlScore or Campaign.TreatmentScore;

    private async Task<SegmentColumn[]> ColumnsAsync(
        string[] names, Audience audience, long scoringId, IReadOnlyList<CampaignCustomer> customers, CancellationToken cancellationToken)
    {
        var scoring = await scorings.FindAsync(scoringId, cancellationToken) ?? throw new InputException($"The scoring {scoringId} is gone: score the campaign again.");
        var attributes = names.Select(name => audience.Attributes.FirstOrDefault(attribute => attribute.Name == name)).ToArray();
        var numbers = attributes.Select(attribute => attribute is { IsNumber: true } ? new double[customers.Count] : null).ToArray();
        var texts = attributes.Select(attribute => attribute is { IsNumber: false } ? new string?[customers.Count] : null).ToArray();
        // Every row would hold a string of its own; the levels are few.
        var levels = new Dictionary<string, string>(StringComparer.Ordinal);
        var place = 0;
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        var list = string.Join(", ", attributes.OfType<AudienceColumn>().Select(attribute => $"c.\"{attribute.Name}\""));
        var rows = BulkCopy.ReadAsync(
            connection,
            $"(select s.customer, {list} from score s join {audience.CustomersTable} c on c.customer = s.customer " +
            $"and c.version = {scoring.AudienceVersion} where s.scoring_id = {scoringId} order by s.customer)",
            export => ReadRow(export, customers, ref place, numbers, texts, levels), cancellationToken);
        await foreach (var _ in rows)
        {
        }
        if (place != customers.Count)
        {
            throw new InvalidOperationException($"Attributes were found of {place} of {customers.Count} customers: the audience's version {scoring.AudienceVersion} is not complete.");
        }
        return [.. names.Select((name, i) => numbers[i] is { } values ? SegmentColumn.OfNumbers(name, values) : SegmentColumn.OfTexts(name, texts[i] ?? []))];
    }

    /// <summary>Takes the row in when its customer is the next one; who was left out of the customers is passed.</summary>
    private static bool ReadRow(
        CopyReader export, IReadOnlyList<CampaignCustomer> customers, ref int place, double[]?[] numbers, string?[]?[] texts,
        Dictionary<string, string> levels)
    {
        var wanted = export.ReadGuid() is var customer && place < customers.Count && customers[place].Customer == customer;
        for (var i = 0; i < numbers.Length; i++)
        {
            if (numbers[i] is { } column)
            {
                var value = export.ReadDoubleOrNull() ?? double.NaN;
                if (wanted)
                {
                    column[place] = value;
                }
            }
            else if (texts[i] is { } words)
            {
                var text = export.ReadTextOrNull();
                if (wanted)
                {
                    words[place] = text is null ? null : Known(levels, text);
                }
            }
        }
        place += wanted ? 1 : 0;
        return wanted;
    }

    private static string Known(Dictionary<string, string> levels, string text)
    {
        if (!levels.TryGetValue(text, out var known))
        {
            levels.Add(text, known = text);
        }
        return known;
    }
}
