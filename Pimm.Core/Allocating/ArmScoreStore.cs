using System.Buffers.Binary;
using Dapper;
using Npgsql;

namespace Pimm.Core.Allocating;

/// <summary>Both models' scores of one customer, and the arm that the customer was drawn into.</summary>
public readonly record struct ArmScore(short Arm, float Control, float Treatment);

/// <summary>Scores of a random part of a campaign's customers, for a picture of them.</summary>
public sealed class ArmScoreStore(NpgsqlDataSource database)
{
    // Customers are hashes: those below a bound are a random sample, and an index range.
    private const string SelectSample =
        """
        select a.arm, s.control_score as control, s.treatment_score as treatment
          from score s join assignment a on a.customer = s.customer and a.campaign_id = @campaignId
         where s.scoring_id = @scoringId and s.customer < @bound and a.customer < @bound
        """;

    /// <param name="customers">how many were split</param>
    /// <param name="wanted">about how many are read</param>
    public async Task<IReadOnlyList<ArmScore>> SampleAsync(long campaignId, long scoringId, long customers, int wanted, CancellationToken cancellationToken = default)
    {
        var bytes = new byte[16];
        Array.Fill(bytes, byte.MaxValue);
        if (customers > wanted)
            BinaryPrimitives.WriteUInt64BigEndian(bytes, (ulong)((double)wanted / customers * ulong.MaxValue));
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        return [.. await connection.QueryAsync<ArmScore>(new CommandDefinition(
            SelectSample, new { campaignId, scoringId, bound = new Guid(bytes, bigEndian: true) }, cancellationToken: cancellationToken))];
    }
}
