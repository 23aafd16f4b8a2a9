using Pimm.Core.Campaigns;
using Shouldly;
using Xunit;

namespace Pimm.Core.Tests.Campaigns;

public sealed class CampaignFileTests
{
    private const string Everything =
        """
        {"name":"Spring","audience":"savers","control":"shared-bottom","treatment":"pimm","startsOn":"2026-12-01","days":5,"windowDays":30,
         "impressionsPerDay":2000,"timeZone":"Asia/Shanghai","holdbackShare":0.2,"explorationShare":0.01,"splitMethod":"blocks","splitCandidates":7,
         "salt":"s","plannedConversions":1600,"controlSettings":{"b":"2","a":"1"},"treatmentSettings":{"embedding":"16"},
         "splitCovariates":["control-score","balance"],"trafficShare":0.8,"layer":"offers","layerFrom":0,"layerTo":5000,"contactLimit":2,"contactDays":30,
         "segments":["device"],"guardrails":[{"metric":"amount","margin":0.05,"direction":"higher-is-better"}],
         "channel":"meta","consentPurpose":"marketing","filter":[{"attribute":"age","operator":"at-least","values":["30"]}],"filterReason":"only adults"}
        """;

    [Fact]
    public void A_campaign_is_described_by_the_file_that_made_it_and_no_field_is_lost()
    {
        var file = CampaignFile.Parse(Everything, "The text");

        var again = Described(file);

        again.ToJson().ShouldBe((file with { ControlSettings = new() { ["a"] = "1", ["b"] = "2" } }).ToJson());
        // A field that is new must be in the text above, and come back.
        typeof(CampaignFile).GetProperties().Where(property => property.GetValue(file) is null).Select(property => property.Name)
            .ShouldBe(["ControlImpressionsPerDay", "TreatmentImpressionsPerDay"]);
    }

    [Fact]
    public void Defaults_are_written_out()
    {
        var file = CampaignFile.Parse("""{"name":"a","audience":"b","control":"random","treatment":"pimm","startsOn":"2026-12-01","days":1,"windowDays":1,"impressionsPerDay":1}""", "The text");

        var described = Described(file);

        described.Salt.ShouldBe("a/2026-12-01");
        described.SplitCovariates.ShouldBe(["control-score"]);
        described.Guardrails.ShouldBe([]);
        described.ControlSettings.ShouldBeNull();
        Described(described).ToJson().ShouldBe(described.ToJson());
    }

    private static CampaignFile Described(CampaignFile file) => CampaignFile.Of(
        file.ToCampaign(1, 2, 3, "tests", DateTimeOffset.UnixEpoch), file.Audience, Line(file.Control, file.ControlSettings), Line(file.Treatment, file.TreatmentSettings));

    private static LineDescription Line(string network, Dictionary<string, string>? settings) =>
        LineDescription.Of(network, System.Text.Json.JsonSerializer.Serialize(settings ?? []));
}
