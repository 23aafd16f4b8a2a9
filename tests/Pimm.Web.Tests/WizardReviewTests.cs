using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>The last step of the wizard against what there is already.</summary>
public sealed class WizardReviewTests(WebFixture web)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_review_shows_what_changes_and_what_other_campaigns_have_already()
    {
        await web.AddUserAsync("wizard-reviewer", Roles.Marketer);
        var first = new DateOnly(2027, 6, 1);
        await CreateAsync(file => file with { Name = "Holds the layer", Salt = "a taken salt", StartsOn = first, Layer = "review", LayerFrom = 0, LayerTo = 6000 });
        var id = await CreateAsync(file => file with { Name = "Comes later", Salt = "its own salt", StartsOn = first.AddDays(1), ImpressionsPerDay = 100, Layer = "review", LayerFrom = 6000, LayerTo = 9000 });
        await SeededCampaign.ApproveAsync(web.Services, id);
        await using var page = await web.OpenAsync("wizard-reviewer");
        await page.GoAsync($"/campaigns/{id}/edit/review");
        var (bad, changes) = (page.Page.Locator(".wizard-checks .bad"), page.Page.Locator("table.definition tr.changed"));
        await Expect(page.Page.Locator("#changes-title + p")).ToHaveTextAsync("Nothing differs from the last approved definition.");
        await Expect(bad).ToHaveCountAsync(0);

        await ReviewAsync(page.Page, "5000", "a taken salt");
        await Expect(changes).ToHaveCountAsync(2);
        await Expect(changes.First).ToContainTextAsync("its own salt");
        await Expect(bad.Filter(new() { HasText = "The salt was used by campaign “Holds the layer” before: choose a new one" })).ToHaveCountAsync(1);
        await Expect(bad.Filter(new() { HasText = "Campaign “Holds the layer” has 0 to 6,000 of the layer “review” until" })).ToHaveCountAsync(1);
        await Expect(page.Page.Locator(".wizard-submit")).ToBeDisabledAsync();
        await page.ShouldBeAccessibleAsync();

        await ReviewAsync(page.Page, "6000", "a free salt");
        await Expect(bad).ToHaveCountAsync(0);
        await Expect(page.Page.Locator(".wizard-submit")).ToBeEnabledAsync();
        // Somebody is faster.
        await CreateAsync(file => file with { Name = "Was faster", Salt = "a free salt", StartsOn = first });
        await page.Page.Locator(".wizard-submit").ClickAsync();
        await Expect(page.Page.Locator(".notice.bad")).ToContainTextAsync("The salt \"a free salt\" was used by a campaign before: choose a new one");
        page.ShouldBeQuiet();
    }

    private async Task<long> CreateAsync(Func<CampaignFile, CampaignFile> change)
    {
        var like = (await web.Services.GetRequiredService<DefinitionStore>().FindAsync(web.Campaign, Cancel))!;
        return await web.Services.GetRequiredService<CampaignDrafts>().CreateAsync(change(like.File), "tests", "user:tests", Cancel, new ChosenLines(like.Campaign.ControlLineId, like.Campaign.TreatmentLineId));
    }

    private static async Task ReviewAsync(IPage page, string layerFrom, string salt)
    {
        await page.Locator(".wizard-steps").GetByText("Audience").ClickAsync();
        await page.FillAsync("#layerFrom", layerFrom);
        await page.Locator(".wizard-steps").GetByText("Models").ClickAsync();
        await page.Locator("#salt").EvaluateAsync("field => field.closest('details').open = true");
        await page.FillAsync("#salt", salt);
        await page.Locator(".wizard-steps").GetByText("Review and submit").ClickAsync();
    }
}
