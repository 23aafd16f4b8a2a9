using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pimm.Core.Campaigns;

namespace Pimm.Core.Approving;

/// <summary>
/// What is kept of a decision, for those who ask years later: what was decided, by whom, about which definition, and what was
/// known then. Stored as text, so that it is the same bytes whenever it is read.
/// </summary>
/// <param name="Definition">the whole definition</param>
/// <param name="Changed">fields in which it differs from the last approved definition; null: none was approved before</param>
/// <param name="Seen">null where a submission was withdrawn: nobody judged it</param>
/// <param name="Simulated">the customers are made up</param>
public sealed record ApprovalRecord(
    long CampaignId, long Submission, string Decision, string DecidedBy, DateTimeOffset DecidedAt, string? Comment, string SubmittedBy, DateTimeOffset SubmittedAt,
    string? SubmittedComment, string DefinitionSha256, JsonNode Definition, IReadOnlyList<string>? Changed, ApprovalEvidence? Seen, bool Simulated, string PimmVersion)
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static ApprovalRecord Of(CampaignSubmission submission, ApprovalDecision decision, IReadOnlyList<string>? changed, ApprovalEvidence? seen, bool simulated) => new(
        submission.CampaignId, submission.Id, decision.Decision, decision.DecidedBy, decision.DecidedAt, decision.Comment, submission.SubmittedBy, submission.SubmittedAt,
        submission.Comment, Convert.ToHexStringLower(submission.DefinitionSha256), JsonNode.Parse(submission.Definition)!, changed, seen, simulated, PimmCore.Version);

    public string ToJson() => JsonSerializer.Serialize(this, Format) + "\n";

    public static ApprovalRecord FromJson(string text) => JsonSerializer.Deserialize<ApprovalRecord>(text, Format)!;
}
