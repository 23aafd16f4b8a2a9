using System.Globalization;
using System.Text.RegularExpressions;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Pimm.Core.Access;
using Pimm.Core.Approving;
using Pimm.Core.Campaigns;
using Shouldly;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Pimm.Web.Tests;

/// <summary>A campaign is defined in six steps, by marketers whom each test makes for itself.</summary>
public sealed class WizardTests(WebFixture web)
{
    private const string FirstDay = "2027-03-27";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_marketer_defines_a_campaign_and_submits_it()
    {
        await web.AddUserAsync("wizard-author", Roles.Marketer);
        using var worker = await web.StartWorkerAsync("overlap");
        await using var page = await web.OpenAsync("wizard-author");
        await page.GoAsync("/campaigns");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "New campaign" }).First.ClickAsync();
        await DefineAsync(page.Page, "Wizard story", untilStep: "models");

        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Compare the two top lists" }).ClickAsync();
        await Expect(page.Page.Locator(".overlap")).ToContainTextAsync("customers who meet the filter, a sample by hash");
        await ContinueAsync(page.Page, "Channel and export");
        await ContinueAsync(page.Page, "Review and submit");

        await Expect(page.Page.Locator(".wizard-checks .bad")).ToHaveCountAsync(0);
        await Expect(page.Page.Locator(".wizard-checks")).ToContainTextAsync("counted by the export's own query");
        await page.ShouldBeAccessibleAsync();
        var submit = page.Page.Locator(".wizard-submit");
        await Expect(submit).ToHaveTextAsync("Submit for approval: exports 100 + 100 people nightly from 27 Mar 00:00 Europe/Berlin");
        await submit.ClickAsync();
        await page.Page.WaitForURLAsync(new Regex(@"/campaigns/\d+$"));

        var made = (await web.Services.GetRequiredService<CampaignStore>().FindByNameAsync("Wizard story", Cancel))!;
        made.FilterList().Single().ToString().ShouldBe("age at-least 40");
        (made.StartsOn, made.Days, made.ImpressionsPerDay, made.TimeZone, made.CreatedBy).ShouldBe((new DateOnly(2027, 3, 27), 3, 100, "Europe/Berlin", "wizard-author"));
        var like = await web.Services.GetRequiredService<CampaignStore>().GetAsync(web.Campaign, Cancel);
        (made.ControlLineId, made.TreatmentLineId).ShouldBe((like.ControlLineId, like.TreatmentLineId));
        (await web.Services.GetRequiredService<SubmissionStore>().NewestAsync(made.Id, Cancel))!.SubmittedBy.ShouldBe("user:wizard-author");
        (await web.Services.GetRequiredService<UnfinishedCampaignStore>().ListAsync("wizard-author", "", 5, Cancel)).ShouldBeEmpty();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task What_was_typed_survives_a_closed_page_and_is_nobody_elses()
    {
        await web.AddUserAsync("wizard-saver", Roles.Marketer);
        await using var page = await web.OpenAsync("wizard-saver");
        await page.GoAsync("/campaigns/new");
        await page.Page.FillAsync("#name", "Half a campaign");
        await Expect(page.Page.Locator("[data-saved=yes]")).ToContainTextAsync("Draft saved");
        var address = new Uri(page.Page.Url).AbsolutePath;
        address.ShouldMatch(@"^/campaigns/new/\d+/objective$");
        await page.GoAsync("/campaigns?search=Half+a");
        await page.Page.GetByRole(AriaRole.Link, new() { Name = "Half a campaign", Exact = true }).ClickAsync();

        await Expect(page.Page.Locator("#name")).ToHaveValueAsync("Half a campaign");
        // Back and forth between the steps loses nothing, not even what is wrong.
        await page.Page.FillAsync("#windowDays", "soon");
        await page.Page.Locator(".wizard-steps").GetByText("Audience").ClickAsync();
        await Expect(page.Page.Locator("#audience")).ToBeVisibleAsync();
        await page.Page.EvaluateAsync("history.back()");
        await Expect(page.Page.Locator("#windowDays")).ToHaveValueAsync("soon");
        await Expect(page.Page.Locator("#windowDays-problem")).ToHaveTextAsync("“soon” does not do here: give a whole number from 1 to 366.");
        page.ShouldBeQuiet();

        await web.AddUserAsync("wizard-other", Roles.Marketer);
        await using var other = await web.OpenAsync("wizard-other");
        await other.GoAsync(address);
        await Expect(other.Page.Locator(".failure")).ToContainTextAsync("You have no draft");
    }

    [Fact]
    public async Task Whoever_goes_on_while_the_first_save_is_under_way_is_not_thrown_back()
    {
        await web.AddUserAsync("wizard-hasty", Roles.Marketer);
        await using var page = await web.OpenAsync("wizard-hasty");
        var circuit = await SlowCircuit.OfAsync(page.Page);
        await page.GoAsync("/campaigns/new");
        await using (var connection = await web.Database.Owner.OpenConnectionAsync(Cancel))
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            await connection.ExecuteAsync("lock table campaign_draft in share mode");
            await page.Page.FillAsync("#name", "Hasty");
            await Expect(page.Page.Locator(".wizard-summary h2")).ToHaveTextAsync("Hasty");
            circuit.Hold();
            await page.Page.Locator(".wizard-steps").GetByText("Audience").ClickAsync();
        }
        // The draft has its id before the server hears of the click.
        await Expect(page.Page.Locator("[data-saved=yes]")).ToContainTextAsync("Draft saved");
        circuit.Release();

        await Expect(page.Page.Locator("#audience")).ToBeVisibleAsync();
        await Expect(page.Page).ToHaveURLAsync(new Regex(@"/campaigns/new/\d+/audience$"));
        // A link that was drawn before the draft had its id leads to a step of this draft; the one without a step begins another.
        await page.Page.EvaluateAsync("Blazor.navigateTo('/campaigns/new/objective')");
        await Expect(page.Page.Locator("#name")).ToHaveValueAsync("Hasty");
        await Expect(page.Page).ToHaveURLAsync(new Regex(@"/campaigns/new/\d+/objective$"));
        await page.Page.EvaluateAsync("Blazor.navigateTo('/campaigns/new')");
        await Expect(page.Page.Locator("#name")).ToHaveValueAsync("");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Wrong_input_is_named_where_it_stands_and_nothing_is_submitted()
    {
        await web.AddUserAsync("wizard-wrong", Roles.Marketer);
        await using var page = await web.OpenAsync("wizard-wrong");
        await page.GoAsync("/campaigns/new");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Continue: Audience" }).ClickAsync();
        await Expect(page.Page.Locator("#name-problem")).ToHaveTextAsync("Give the campaign a name of 1 to 100 characters.");
        await Expect(page.Page.Locator("#name")).ToBeFocusedAsync();
        await DefineAsync(page.Page, "Never made", untilStep: "audience");
        await page.Page.FillAsync("#value0", "forty");
        await Expect(page.Page.Locator("#condition0")).ToHaveTextAsync("\"forty\" is no number, and \"age\" holds numbers: write it as 30 or 2.5.");
        await page.Page.FillAsync("#value0", "76.5");
        await Expect(page.Page.Locator("[data-candidates]")).ToHaveTextAsync("50");
        await page.Page.FillAsync("#value0", "77.5");
        await Expect(page.Page.Locator("[data-candidates]")).ToHaveTextAsync("fewer than 10");
        await Expect(page.Page.Locator(".funnel-count .total")).ToContainTextAsync("fewer than 10");
        await ContinueAsync(page.Page, "Budget and dates");
        await page.Page.FillAsync("#impressionsPerDay", "many");
        await page.Page.FillAsync("#timeZone", "Berlin");
        await page.Page.Locator(".wizard-steps").GetByText("Review and submit").ClickAsync();

        var bad = page.Page.Locator(".wizard-checks .bad");
        await Expect(bad.Filter(new() { HasText = "“many” does not do here: give a whole number from 1 to 100,000,000." })).ToHaveCountAsync(1);
        await Expect(bad.Filter(new() { HasText = "“Berlin” is no time zone" })).ToHaveCountAsync(1);
        await Expect(bad.Filter(new() { HasText = "Choose the model line of the control arm." })).ToHaveCountAsync(1);
        await Expect(bad.Filter(new() { HasText = "Fewer than 10 customers are left" })).ToHaveCountAsync(1);
        await Expect(page.Page.Locator(".wizard-submit")).ToBeDisabledAsync();
        await Expect(page.Page.Locator("#submit-reason")).ToHaveTextAsync("Mend what is marked red first.");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task One_customer_is_in_or_out_and_the_address_never_names_it()
    {
        await web.AddUserAsync("wizard-asker", Roles.Marketer);
        await using var page = await web.OpenAsync("wizard-asker");
        await page.GoAsync("/campaigns/new");
        await DefineAsync(page.Page, "Asked about", untilStep: "audience");
        await Expect(page.Page.Locator("[data-candidates]")).ToHaveTextAsync("1,900");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Show 20 candidates" }).ClickAsync();
        await Expect(page.Page.Locator("[aria-label='20 candidates'] tbody tr")).ToHaveCountAsync(20);
        await Expect(page.Page.Locator("main")).Not.ToContainTextAsync("c0002");

        foreach (var (key, text) in new[] { ("c00030", "In: this customer is a candidate."), ("c00001", "Out: left out by the step “meet the filter”."), ("nobody", "No customer of the audience has this key.") })
        {
            await page.Page.FillAsync("#customer-key", key);
            await page.Page.PressAsync("#customer-key", "Enter");
            await Expect(page.Page.Locator(".notice[role=status]")).ToContainTextAsync(text);
            page.Page.Url.ShouldNotContain(key);
        }

        await using var connection = await web.Database.Owner.OpenConnectionAsync(Cancel);
        (await connection.QueryAsync<string>("select (before, after, object_id)::text from audit_event where actor = 'user:wizard-asker' and action = 'customer.check-eligibility'"))
            .ShouldAllBe(entry => !entry.Contains("c00030", StringComparison.Ordinal) && entry.Contains("Savers of the north", StringComparison.Ordinal));
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Two_who_change_one_campaign_see_what_differs_before_one_overwrites_the_other()
    {
        await web.AddUserAsync("wizard-first", Roles.Marketer);
        await web.AddUserAsync("wizard-second", Roles.Marketer);
        var id = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Changed by two");
        await using var first = await web.OpenAsync("wizard-first");
        await using var second = await web.OpenAsync("wizard-second");
        await first.GoAsync($"/campaigns/{id}/edit/budget");
        await second.GoAsync($"/campaigns/{id}/edit/budget");
        await first.Page.FillAsync("#impressionsPerDay", "111");
        await second.Page.FillAsync("#impressionsPerDay", "222");
        await Expect(second.Page.Locator("[data-saved=yes]")).ToContainTextAsync("Draft saved");
        await SubmitAsync(first.Page);
        await first.Page.WaitForURLAsync($"**/campaigns/{id}");

        await SubmitAsync(second.Page);
        var row = second.Page.Locator(".notice[role=alert] tbody tr");
        await Expect(row).ToHaveCountAsync(1);
        await Expect(row).ToHaveTextAsync(new Regex("impressionsPerDay\\s*111\\s*222"));
        await second.ShouldBeAccessibleAsync();
        await second.Page.GetByRole(AriaRole.Button, new() { Name = "Put mine over theirs" }).ClickAsync();
        await second.Page.Locator(".wizard-submit").ClickAsync();
        await Expect(second.Page.GetByText("waits for approval and is locked").First).ToBeVisibleAsync();
        await web.Services.GetRequiredService<ApprovalDesk>().WithdrawAsync(id, "user:wizard-first", Cancel);
        await second.Page.Locator(".wizard-submit").ClickAsync();
        await second.Page.WaitForURLAsync($"**/campaigns/{id}");

        (await web.Services.GetRequiredService<CampaignStore>().GetAsync(id, Cancel)).ImpressionsPerDay.ShouldBe(222);
        second.ShouldBeQuiet();
    }

    [Fact]
    public async Task What_a_file_said_is_shown_can_be_changed_and_is_not_lost()
    {
        await web.AddUserAsync("wizard-editor", Roles.Marketer);
        var like = (await web.Services.GetRequiredService<DefinitionStore>().FindAsync(web.Campaign, Cancel))!;
        var file = like.File with
        {
            Name = "Told by a file", Salt = "told by a file", StartsOn = new DateOnly(2027, 5, 1), ImpressionsPerDay = 100, TimeZone = "Asia/Shanghai", WindowDays = 14, PlannedConversions = 321,
            HoldbackShare = 0.123, ExplorationShare = 0.07, SplitMethod = "blocks", SplitCandidates = 40, SplitCovariates = ["treatment-score", "age"], TrafficShare = 0.95,
            Layer = "offers", LayerFrom = 0, LayerTo = 9000, ContactLimit = 500, ContactDays = 30, Segments = ["age", "control-score"],
            Guardrails = [new("amount", 0.05), new("click", 0.123, Guardrail.LowerIsBetter)], Filter = [new("age", "at-least", ["21"])], FilterReason = "as agreed",
        };
        var id = await web.Services.GetRequiredService<CampaignDrafts>().CreateAsync(file, "tests", "user:tests", Cancel, new ChosenLines(like.Campaign.ControlLineId, like.Campaign.TreatmentLineId));
        await using var page = await web.OpenAsync("wizard-editor");
        await page.GoAsync($"/campaigns/{id}/edit/objective");

        await Expect(page.Page.Locator("#margin1")).ToHaveValueAsync("12.3");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Add a guardrail" }).ClickAsync();
        await page.Page.SelectOptionAsync("#metric2", "deliveryRate");
        await page.Page.FillAsync("#margin2", "none");
        await Expect(page.Page.Locator("#guardrail2")).ToHaveTextAsync("“none” is no margin: give a number of percent above 0 and below 100.");
        await page.Page.FillAsync("#margin2", "2.5");
        await page.Page.GetByLabel("age", new() { Exact = true }).UncheckAsync();
        await page.Page.GetByLabel("city", new() { Exact = true }).CheckAsync();
        await page.ShouldBeAccessibleAsync();
        await page.Page.Locator(".wizard-steps").GetByText("Audience").ClickAsync();
        await page.Page.FillAsync("#layerFrom", "9000");
        await Expect(page.Page.Locator("#layerFrom-problem")).ToHaveTextAsync("Give two whole numbers, the first below the second, from 0 to 10,000.");
        await page.Page.FillAsync("#layerFrom", "1000");
        await page.Page.Locator(".wizard-steps").GetByText("Models").ClickAsync();
        await Expect(page.Page.GetByLabel("score of the treatment model (1)")).ToBeCheckedAsync();
        await page.Page.GetByLabel("age (2)").UncheckAsync();
        await SubmitAsync(page.Page);
        await page.Page.WaitForURLAsync($"**/campaigns/{id}");

        var changed = (await web.Services.GetRequiredService<DefinitionStore>().FindAsync(id, Cancel))!;
        CampaignDefinition.Differences(changed.File, file with
        {
            Guardrails = [.. file.Guardrails!, new("deliveryRate", 0.025)], Segments = ["control-score", "city"], LayerFrom = 1000, SplitCovariates = ["treatment-score"],
        }).ShouldBeEmpty();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task The_keyboard_alone_fills_the_first_step()
    {
        await web.AddUserAsync("wizard-keys", Roles.Marketer);
        await using var page = await web.OpenAsync("wizard-keys", "dark");
        await SlowCircuit.OfAsync(page.Page, TimeSpan.FromMilliseconds(30));
        await page.GoAsync("/campaigns/new");
        await page.Page.Locator("#name").FocusAsync();
        // Each key comes while the answers to others are on their way.
        const string Name = "By keys that come as fast as anybody types, and faster than the server answers";
        foreach (var letter in Name)
        {
            await page.Page.Keyboard.TypeAsync(letter.ToString());
        }
        await Expect(page.Page.Locator("#name")).ToHaveValueAsync(Name);
        await page.Page.Keyboard.PressAsync("Tab");
        await Expect(page.Page.Locator("#windowDays")).ToBeFocusedAsync();
        await page.Page.Keyboard.PressAsync("Control+A");
        await page.Page.Keyboard.TypeAsync("14");
        await page.Page.Keyboard.PressAsync("Tab");
        await page.Page.Keyboard.PressAsync("Tab");
        await Expect(page.Page.Locator(".wizard-main summary")).ToBeFocusedAsync();
        await page.Page.Keyboard.PressAsync("Tab");
        await Expect(page.Page.GetByRole(AriaRole.Button, new() { Name = "Continue: Audience" })).ToBeFocusedAsync();
        await page.Page.Keyboard.PressAsync("Enter");

        await Expect(page.Page.Locator("#audience")).ToBeVisibleAsync();
        await Expect(page.Page.Locator("h1")).ToBeFocusedAsync();
        await Expect(page.Page.Locator(".wizard-summary h2")).ToHaveTextAsync(Name);
        await page.ShouldBeAccessibleAsync();
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Who_defines_no_campaign_is_told_so()
    {
        await using var page = await web.OpenAsync("vera");
        await page.GoAsync("/campaigns?search=spring");
        await Expect(page.Page.GetByRole(AriaRole.Link, new() { Name = "New campaign" })).ToHaveCountAsync(0);
        await Expect(page.Page.Locator(".row-acts")).ToHaveCountAsync(0);
        await page.GoAsync($"/campaigns/{web.Campaign}/edit/budget");

        await Expect(page.Page.Locator(".empty")).ToContainTextAsync("Your role defines no campaign");
        await Expect(page.Page.Locator("main input")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task The_list_duplicates_puts_away_and_fetches_back()
    {
        await web.AddUserAsync("wizard-lister", Roles.Marketer);
        var id = await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Put away");
        await using var page = await web.OpenAsync("wizard-lister");
        await page.GoAsync("/campaigns?search=Put+away&state=draft&sort=name");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Archive Put away" }).ClickAsync();
        await Expect(page.Page.Locator(".notice")).ToContainTextAsync("“Put away” is archived");
        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(0);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(1);

        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Duplicate Put away" }).ClickAsync();
        await page.Page.WaitForURLAsync("**/edit/objective");
        await Expect(page.Page.Locator("#name")).ToHaveValueAsync("Put away (2)");
        var copy = (await web.Services.GetRequiredService<CampaignStore>().FindByNameAsync("Put away (2)", Cancel))!;
        copy.CopyOf.ShouldBe(id);
        copy.Salt.ShouldNotBe("Put away");

        // An address that somebody typed asks for what there is.
        await page.GoAsync("/campaigns?search=%00Put+away&page=soon");
        await Expect(page.Page.Locator("tbody")).ToContainTextAsync("Put away (2)");

        // A campaign whose customers are split is neither changed nor put away before it is finished.
        await page.GoAsync($"/campaigns/{web.Campaign}/edit/budget");
        await Expect(page.Page.Locator(".failure")).ToContainTextAsync("are split: its definition is never changed");
        page.ShouldBeQuiet();
    }

    [Fact]
    public async Task Several_campaigns_are_put_away_and_saved_at_once()
    {
        await web.AddUserAsync("wizard-tidy", Roles.Marketer);
        await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Tidy one");
        await SeededCampaign.CreateIdleAsync(web.Services, web.Campaign, "Tidy two, early");
        await using var page = await web.OpenAsync("wizard-tidy");
        await page.GoAsync("/campaigns?search=Tidy&sort=name");
        await page.Page.GetByLabel("Choose all on this page").CheckAsync();
        await Expect(page.Page.Locator(".chosen-bar")).ToContainTextAsync("2 chosen");
        await page.ShouldBeAccessibleAsync();
        await page.Page.GetByLabel("Choose Tidy one").UncheckAsync();
        var saved = await page.Page.RunAndWaitForDownloadAsync(() => page.Page.GetByRole(AriaRole.Button, new() { Name = "1 as CSV" }).ClickAsync());
        var lines = (await File.ReadAllTextAsync(await saved.PathAsync(), Cancel)).Trim().Split("\r\n");
        lines.Length.ShouldBe(2);
        lines[0].ShouldStartWith("Campaign,State,Dates,");
        lines[1].ShouldStartWith("\"Tidy two, early\",draft,");

        await page.Page.GetByLabel("Choose Tidy one").CheckAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Archive 2" }).ClickAsync();
        await Expect(page.Page.Locator(".notice[role=status]")).ToContainTextAsync("2 campaigns are archived");
        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(0);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(page.Page.Locator("tbody tr")).ToHaveCountAsync(2);
        await using var connection = await web.Database.Owner.OpenConnectionAsync(Cancel);
        (await connection.QueryAsync<string>("select action from audit_event where actor = 'user:wizard-tidy' and object_kind = 'campaign' order by id"))
            .ShouldBe(["campaign.archive", "campaign.archive", "campaign.unarchive", "campaign.unarchive"]);
        page.ShouldBeQuiet();
    }

    private static async Task SubmitAsync(IPage page)
    {
        await page.Locator(".wizard-steps").GetByText("Review and submit").ClickAsync();
        var submit = page.Locator(".wizard-submit");
        await Expect(submit).ToBeEnabledAsync();
        await submit.ClickAsync();
    }

    internal static Task ContinueAsync(IPage page, string step) => page.GetByRole(AriaRole.Button, new() { Name = $"Continue: {step}" }).ClickAsync();

    /// <summary>Goes through the steps as a marketer does, up to one.</summary>
    private static async Task DefineAsync(IPage page, string name, string untilStep)
    {
        await page.FillAsync("#name", name);
        await ContinueAsync(page, "Audience");
        await page.SelectOptionAsync("#audience", "Savers of the north");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add a condition" }).ClickAsync();
        await page.SelectOptionAsync("#operator0", "at-least");
        await page.FillAsync("#value0", "40");
        await Expect(page.Locator(".funnel-count")).ToBeVisibleAsync();
        if (untilStep == "audience")
        {
            return;
        }

        await ContinueAsync(page, "Budget and dates");
        await page.FillAsync("#impressionsPerDay", "100");
        await page.FillAsync("#startsOn", FirstDay);
        await page.FillAsync("#days", "3");
        await page.FillAsync("#timeZone", "Europe/Berlin");
        await Expect(page.Locator(".wizard-main")).ToContainTextAsync(DateOnly.Parse(FirstDay, CultureInfo.InvariantCulture).AddDays(1).ToString("d MMM yyyy", CultureInfo.InvariantCulture) + ": that day has another length");
        await ContinueAsync(page, "Models");
        await page.SelectOptionAsync("#control", new SelectOptionValue { Label = "Shared-Bottom v1" });
        await page.SelectOptionAsync("#treatment", new SelectOptionValue { Label = "PIMM v1" });
        await Expect(page.Locator("[aria-label='The two lines']")).ToContainTextAsync("excellent (0.803)");
    }
}
